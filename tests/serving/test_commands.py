import csv
import json
import pathlib
import signal
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

import serving.commands
from data.errors import UsageError
from serving.client import Client
from serving.errors import ServingError
from serving.prediction import SCOPE

app = typer.Typer()
app.command()(serving.commands.serve)
app.command()(serving.commands.predict)

ROOT = pathlib.Path(serving.commands.__file__).parents[1]


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


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
    assert SCOPE in " ".join(result.output.split())


def test_what_cannot_be_read_ends_with_1_and_the_rest_is_told(server, faceless, tmp_path):
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "a.mp4", "--model", "m", "--output", "a.txt"], "must end in .csv or .json"),
        (["predict", "a.mp4", "--model", "m", "--output", "no/a.csv"], "no: no such folder"),
        (["predict", "{tmp}", "--model", "m"], "no videos in this folder"),
        (["serve", "--models", "{tmp}/none"], "none: no such folder"),
    ],
)
def test_wrong_use_is_named(tmp_path, arguments, message):
    result = run(*(argument.format(tmp=tmp_path) for argument in arguments))
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)


def test_verdicts_given_before_the_server_went_are_kept(server, faceless, tmp_path, monkeypatch):
    output = tmp_path / "results.csv"
    answer = Client.predict

    def stop_before_the_second(client, path):
        if path.name == "text.mp4":
            server.stop(0)
        return answer(client, path)

    monkeypatch.setattr(Client, "predict", stop_before_the_second)
    monkeypatch.setattr("serving.session.METADATA_TIMEOUT_S", 1.0)
    result = run(
        "predict",
        *(faceless, "--model", "tiny", "--server", server.target, "--output", output),
    )
    assert isinstance(result.exception, UsageError)
    assert "1 of 2 videos were answered" in str(result.exception)
    with output.open(newline="") as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["no_face"]


@pytest.mark.parametrize(("arguments", "frames"), [([], "32"), (["--frames-per-video", "5"], "5")])
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


def test_importing_the_commands_is_light():
    heavy = "{'tensorflow', 'grpc', 'numpy', 'av', 'cv2'}"
    script = f"import sys, serving.commands; print(*({heavy} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == ""


def test_serve_waits_picks_up_answers_and_drains(push, tmp_path, wait_until):
    script = "import typer, serving.commands; typer.run(serving.commands.serve)"
    models = str(tmp_path / "serving")
    with subprocess.Popen(
        [sys.executable, "-u", "-c", script, "--models", models, "--grpc-port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = ""
            while "Serving gRPC at" not in said:
                line = process.stdout.readline()
                assert line, said
                said += line
            assert "no model can be served yet; waiting" in " ".join(said.split())
            target = said.rpartition("Serving gRPC at ")[2].split()[0].rstrip(".")
            push("tiny", 1)

            def answers():
                with Client(target, "tiny") as client:
                    try:
                        return client.track_width() == 4
                    except ServingError:
                        return False

            wait_until(answers)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()
