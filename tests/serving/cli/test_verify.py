import json

import pytest

from data.utils.errors import UsageError
from tests.data.bad_clips.encoding import encode, face_frames
from tests.serving.cli.command_line import run
from tests.serving.conftest import SCOPE

pytestmark = pytest.mark.slow


@pytest.fixture
def record(server, tmp_path):
    """The record of a clip with a face, just made."""
    encode(tmp_path / "clip.mp4", face_frames())
    path = tmp_path / "record.json"
    result = run(
        *("predict", tmp_path / "clip.mp4", "--model", "tiny", "--server", server.target),
        *("--frames-per-video", 3, "--output", path),
    )
    assert result.exit_code == 0, result.output
    return path


def test_a_record_holds_until_the_file_the_model_or_the_record_changes(
    server, record, push, tmp_path, wait_until
):
    result = run("verify", record)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("As recorded: 1 file.\nThe model was not asked again")
    assert result.output.endswith(f"\nScope of this model: {SCOPE}.\n")

    result = run("verify", record, "--server", server.target)
    assert result.exit_code == 0, result.output

    push("tiny", 2)
    wait_until(lambda: server.manager.available() == {"tiny": [2]})
    result = run("verify", record, "--server", server.target)
    assert result.exit_code == 1, result.output
    assert "model_version: recorded 1, now 2" in result.output

    content = json.loads(record.read_text())
    content["videos"][0]["fake_probability"] = 0.0
    (tmp_path / "forged.json").write_text(json.dumps(content))
    result = run("verify", tmp_path / "forged.json")
    assert result.exit_code == 1
    assert "(the record)" in result.output

    clip = tmp_path / "clip.mp4"
    clip.rename(tmp_path / "moved.mp4")
    result = run("verify", record)
    assert result.exit_code == 1
    assert "cannot be read" in result.output
    result = run("verify", record, "--input", tmp_path / "moved.mp4")
    assert result.exit_code == 0, result.output

    encode(clip, face_frames()[::-1])
    result = run("verify", record, "--server", server.target, "--tolerance", 0.0)
    assert result.exit_code == 1
    assert "another file" in result.output


def test_files_are_found_again_in_another_folder(server, tmp_path, monkeypatch):
    for name in ("set/a/clip.mp4", "set/b/clip.mp4"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(name)  # no video, but a file with a hash
    monkeypatch.chdir(tmp_path)
    result = run(
        "predict", "set", "--server", server.target, "--model", "tiny", "--output", "r.json"
    )
    assert result.exit_code == 1, result.output
    record = tmp_path / "r.json"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert run("verify", record).exit_code == 1
    for folder in ("..", tmp_path / "set"):  # in which paths lead to them, and ends of paths
        result = run("verify", record, "--input", folder)
        assert result.exit_code == 0, result.output
        assert result.output.startswith("As recorded: 2 files.")
    (tmp_path / "set/b/clip.mp4").write_text("something else")
    result = run("verify", record, "--input", "..")
    assert result.exit_code == 1
    assert result.output.count("another file") == 1
    (tmp_path / "set/b/clip.mp4").unlink()
    result = run("verify", record, "--input", "..")
    assert "../set/b/clip.mp4: cannot be read" in result.output
    result = run("verify", record, "--input", tmp_path / "set/a/clip.mp4")
    assert "about 2 files; name the folder in which they are" in str(result.exception)


def test_the_schema_is_printed_without_a_record():
    result = run("verify", "--schema")
    assert result.exit_code == 0
    assert json.loads(result.output)["properties"].keys() >= {"videos", "models", "content_sha256"}


def test_wrong_use_is_named(tmp_path):
    result = run("verify", tmp_path / "none.json")
    assert isinstance(result.exception, UsageError)
    assert "none.json: cannot be read" in str(result.exception)


def test_a_server_that_is_not_there_is_named(record, monkeypatch):
    monkeypatch.setattr("serving.client.session.METADATA_TIMEOUT_S", 1.0)
    result = run("verify", record, "--server", "localhost:1")
    assert isinstance(result.exception, UsageError)
    assert "model 'tiny' at localhost:1" in str(result.exception)
