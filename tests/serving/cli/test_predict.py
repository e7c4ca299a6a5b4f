import csv
import json
import pathlib
import subprocess
import sys

import av
import pytest

from data.contract import SCOPE_SENTENCE
from data.utils.errors import UsageError
from serving.client.client import Client
from tests.data.bad_clips.encoding import encode, face_frames
from tests.serving.cli.command_line import run
from tests.serving.conftest import SCOPE

pytestmark = pytest.mark.slow


@pytest.fixture
def faceless(tmp_path):
    """A folder with a video of noise, a text file named like a video, and another file."""
    import av
    import numpy as np

    folder = tmp_path / "videos"
    (folder / "deeper").mkdir(parents=True)
    with av.open(str(folder / "deeper" / "noise.MP4"), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        image = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        container.mux(stream.encode())
    (folder / "text.mp4").write_text("no video")
    (folder / "notes.txt").write_text("no video either")
    return folder


def test_a_typed_abstention_ends_with_0(server, faceless):
    result = run(
        "predict",
        *(faceless / "deeper" / "noise.MP4", "--model", "tiny", "--server", server.target),
    )
    assert result.exit_code == 0, result.output
    assert "ABSTAIN" in result.output
    assert "no_face" in result.output
    assert SCOPE_SENTENCE in result.output.splitlines()


def test_what_cannot_be_read_ends_with_1_and_the_rest_is_answered(server, faceless, tmp_path):
    output = tmp_path / "results.csv"
    result = run(
        "predict",
        *(faceless, tmp_path / "missing.mp4"),
        *("--model", "tiny", "--server", server.target, "--output", output),
    )
    assert result.exit_code == 1, result.output
    with output.open(newline="") as file:
        statuses = {pathlib.Path(row["path"]).name: row["status"] for row in csv.DictReader(file)}
    assert statuses == {
        "noise.MP4": "no_face",
        "text.mp4": "unreadable",
        "missing.mp4": "missing",
    }


def test_a_real_clip_gets_a_verdict(server, shared_data, tmp_path):
    clip = next(iter(sorted((shared_data / "ffpp" / "original_sequences").rglob("*.mp4"))))
    output = tmp_path / "results.json"
    result = run("predict", clip, "--model", "tiny", "--server", server.target, "--output", output)
    assert result.exit_code == 0, result.output
    assert "tiny version 1" in result.output
    (video,) = json.loads(output.read_text())["videos"]
    assert video["verdict"] in ("real", "fake", "uncertain")
    assert f"{video['fake_probability']:.3f}" in result.output
    assert video["scope"] == SCOPE
    assert f"Scope of this model: {SCOPE}." in result.output.splitlines()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.mp4", "--output", "a.txt"], "must end in .csv or .json"),
        (["a.mp4", "--output", "no/a.csv"], "no: no such folder"),
        (["{tmp}"], "no videos in this folder"),
        (["a.mp4", "--annotate", "out.avi"], "--annotate must be a folder or end in .mp4"),
        (["a.mp4", "b.mp4", "--timeline", "out.png"], "--timeline names one file, but 2 videos"),
        (["a.mp4", "--models", "{tmp}/none"], "none: no such folder; --models names"),
    ],
)
def test_wrong_use_is_named(tmp_path, arguments, message):
    arguments = [argument.format(tmp=tmp_path) for argument in arguments]
    result = run("predict", "--model", "m", *arguments)
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)


def test_verdicts_given_before_the_server_went_are_kept(server, faceless, tmp_path, monkeypatch):
    output = tmp_path / "results.csv"
    answer = Client.predict

    def stop_before_the_second(client, path, *progress):
        if path.name == "text.mp4":
            server.stop(0)
        return answer(client, path, *progress)

    monkeypatch.setattr(Client, "predict", stop_before_the_second)
    monkeypatch.setattr("serving.client.session.METADATA_TIMEOUT_S", 1.0)
    result = run(
        "predict",
        *(faceless, "--model", "tiny", "--server", server.target, "--output", output),
    )
    assert isinstance(result.exception, UsageError)
    assert "1 of 2 videos were answered" in str(result.exception)
    with output.open(newline="") as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["no_face"]


def test_an_interruption_keeps_what_was_answered(server, faceless, tmp_path, monkeypatch):
    asked = []

    def predict(client, path, *arguments):
        if asked:
            raise KeyboardInterrupt
        asked.append(path)
        return answer(client, path, *arguments)

    answer = Client.predict
    monkeypatch.setattr(Client, "predict", predict)
    output = tmp_path / "record.json"
    result = run(
        "predict", faceless, "--model", "tiny", "--server", server.target, "--output", output
    )
    assert result.exit_code == 130
    assert "1 of 2 videos were answered" in result.stderr
    record = json.loads(output.read_text())
    assert len(record["videos"]) == len(record["unanswered"]) == 1


def test_the_record_is_written_though_standard_output_is_full(server, faceless, tmp_path):
    output = tmp_path / "record.json"
    command = [sys.executable, "-m", "unmask", "predict", faceless, "--model", "tiny"]
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [*command, "--server", server.target, "--output", output], stdout=full, check=False
        )
    assert result.returncode == 2
    assert len(json.loads(output.read_text())["videos"]) == 2


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("faces.max_track=2", "--set: faces.max_track: unknown key"),
        ("faces.min_sharpness=-1", "--set: faces.min_sharpness: Input should be greater than"),
        ("max_tracks", "--set max_tracks: write key=value"),
    ],
)
def test_settings_of_faces_are_checked(tmp_path, setting, message):
    (tmp_path / "clip.mp4").touch()
    result = run("predict", tmp_path / "clip.mp4", "--set", setting)
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "frames"),
    [
        ([], "32"),
        (["--frames-per-video", "5"], "5"),
        (["--set", "faces.frames_per_video=6"], "6"),
    ],
)
def test_frames_per_video_are_an_option(server, tmp_path, arguments, frames):
    import av
    import numpy as np

    path = tmp_path / "grey.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(40):
            image = np.full((64, 64, 3), 128, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        container.mux(stream.encode())
    output = tmp_path / "results.json"
    result = run(
        *("predict", path, "--model", "tiny", "--server", server.target, "--output", output),
        *arguments,
    )
    assert result.exit_code == 0, result.output
    (video,) = json.loads(output.read_text())["videos"]
    assert video["reason"] == f"no face in the {frames} frames looked at"


def test_an_unknown_model_is_wrong_use(server):
    result = run("predict", "a.mp4", "--model", "nobody", "--server", server.target)
    assert isinstance(result.exception, UsageError)
    assert f"model 'nobody' at {server.target}" in str(result.exception)


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.mp4"
    encode(path, face_frames())
    return path


def test_a_video_can_be_recorded_and_drawn(server, clip, tmp_path):
    card = tmp_path / "serving" / "tiny" / "1" / "assets.extra" / "model.json"
    card.parent.mkdir()
    thresholds = {"real_below": 0.4, "fake_above": 0.6}
    card.write_text(json.dumps({"name": "tiny", "thresholds": thresholds, "calibration": {}}))
    result = run(
        *("predict", clip, "--model", "tiny", "--server", server.target),
        *("--frames-per-video", 4, "--models", tmp_path / "serving"),
        *("--output", tmp_path / "record.json"),
        *("--annotate", tmp_path / "drawn.mp4", "--timeline", tmp_path / "pictures"),
    )
    assert result.exit_code == 0, result.output
    record = json.loads((tmp_path / "record.json").read_text())
    (video,) = record["videos"]
    assert len(video["facts"]["times_s"]) == 4
    assert video["tracks"][0]["faces_seen"] == len(video["tracks"][0]["faces"]) == 4
    assert record["models"][0]["card"]["thresholds"] == thresholds
    with av.open(str(tmp_path / "drawn.mp4")) as container:
        assert container.streams.video[0].frames == 24
    assert (tmp_path / "pictures" / "clip.png").read_bytes().startswith(b"\x89PNG")


def test_a_serving_root_that_is_not_the_servers_is_recognised_by_its_thresholds(
    server, clip, tmp_path
):
    card = tmp_path / "other" / "tiny" / "1" / "assets.extra" / "model.json"
    card.parent.mkdir(parents=True)
    # No score lies on both sides.
    thresholds = {"real_below": 0.0, "fake_above": 0.0}
    card.write_text(json.dumps({"name": "tiny", "thresholds": thresholds, "calibration": {}}))
    result = run(
        *("predict", clip, "--model", "tiny", "--server", server.target),
        *("--frames-per-video", 2, "--models", tmp_path / "other"),
    )
    assert isinstance(result.exception, UsageError)
    assert "--models is not what the server answers from" in str(result.exception)


def test_what_cannot_be_drawn_is_reported_and_the_rest_is_drawn(server, faceless, tmp_path):
    result = run(
        *("predict", faceless, "--model", "tiny", "--server", server.target),
        *("--annotate", tmp_path / "drawn", "--timeline", tmp_path / "drawn"),
        *("--output", tmp_path / "record.json"),
    )
    assert result.exit_code == 1, result.output
    remark = "nothing is drawn, since no frame of it could be decoded"
    assert f"{faceless / 'text.mp4'}: {remark}" in result.output.splitlines()
    assert {path.name for path in (tmp_path / "drawn").iterdir()} == {"noise.mp4", "noise.png"}
    videos = json.loads((tmp_path / "record.json").read_text())["videos"]
    assert [video["status"] for video in videos] == ["no_face", "unreadable"]
    assert all(video["input"]["sha256"] for video in videos)


def test_a_drawing_that_cannot_be_written_leaves_the_record(server, faceless, tmp_path):
    (tmp_path / "drawn" / "noise.png").mkdir(parents=True)
    result = run(
        *("predict", faceless, "--model", "tiny", "--server", server.target),
        *("--timeline", tmp_path / "drawn", "--output", tmp_path / "record.json"),
    )
    assert isinstance(result.exception, UsageError)
    assert "noise.png: cannot be written" in str(result.exception)
    record = json.loads((tmp_path / "record.json").read_text())
    assert [pathlib.Path(video["input"]["path"]).name for video in record["videos"]] == [
        "noise.MP4"
    ]
    assert [pathlib.Path(path).name for path in record["unanswered"]] == ["text.mp4"]
