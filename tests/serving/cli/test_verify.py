import json

import pytest
import typer
from typer.testing import CliRunner

import serving.cli.predict
import serving.cli.verify
from data.utils.errors import UsageError
from tests.data.bad_clips.encoding import encode, face_frames

app = typer.Typer()
app.command()(serving.cli.predict.predict)
app.command()(serving.cli.verify.verify)


def run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result, " ".join(result.output.split())


@pytest.fixture
def record(server, tmp_path):
    """The record of a clip with a face, just made."""
    encode(tmp_path / "clip.mp4", face_frames())
    path = tmp_path / "record.json"
    result, said = run(
        *("predict", tmp_path / "clip.mp4", "--model", "tiny", "--server", server.target),
        *("--frames-per-video", 3, "--output", path),
    )
    assert result.exit_code == 0, said
    return path


def test_a_record_holds_until_the_file_the_model_or_the_record_changes(
    server, record, push, tmp_path, wait_until
):
    result, said = run("verify", record)
    assert result.exit_code == 0, said
    assert "As recorded: 1 files. The model was not asked again" in said

    result, said = run("verify", record, "--server", server.target)
    assert result.exit_code == 0, said

    push("tiny", 2)
    wait_until(lambda: server.manager.available() == {"tiny": [2]})
    result, said = run("verify", record, "--server", server.target)
    assert result.exit_code == 1, said
    assert "model_version: recorded 1, now 2" in said

    content = json.loads(record.read_text())
    content["videos"][0]["fake_probability"] = 0.0
    (tmp_path / "forged.json").write_text(json.dumps(content))
    result, said = run("verify", tmp_path / "forged.json")
    assert result.exit_code == 1
    assert "(the record)" in said

    clip = tmp_path / "clip.mp4"
    clip.rename(tmp_path / "moved.mp4")
    result, said = run("verify", record)
    assert result.exit_code == 1
    assert "cannot be read" in said
    result, said = run("verify", record, "--input", tmp_path / "moved.mp4")
    assert result.exit_code == 0, said

    encode(clip, face_frames()[::-1])
    result, said = run("verify", record, "--server", server.target, "--tolerance", 0.0)
    assert result.exit_code == 1
    assert "another file" in said


def test_the_schema_is_printed_without_a_record():
    result, _ = run("verify", "--schema")
    assert result.exit_code == 0
    assert json.loads(result.output)["properties"].keys() >= {"videos", "models", "content_sha256"}


def test_wrong_use_is_named(tmp_path):
    result, _ = run("verify", tmp_path / "none.json")
    assert isinstance(result.exception, UsageError)
    assert "none.json: cannot be read" in str(result.exception)


def test_a_server_that_is_not_there_is_named(record, monkeypatch):
    monkeypatch.setattr("serving.client.session.METADATA_TIMEOUT_S", 1.0)
    result, _ = run("verify", record, "--server", "localhost:1")
    assert isinstance(result.exception, UsageError)
    assert "model 'tiny' at localhost:1" in str(result.exception)
