import json
import subprocess

import pytest

from data.contract import SCOPE_SENTENCE
from tests.data.bad_clips.encoding import encode
from tests.examples.conftest import EXAMPLES

pytestmark = pytest.mark.slow


@pytest.fixture
def clip(tmp_path):
    """A second of one face, whose mean brightness is what the tiny model scores."""
    (tmp_path / "clips").mkdir()
    encode(tmp_path / "clips" / "clip.mp4")
    return tmp_path / "clips" / "clip.mp4"


def test_over_grpc(run_example, server, clip):
    out = run_example(
        "ask_over_grpc.py",
        *(clip, clip.with_name("absent.mp4"), "--server", server.target, "--model", "tiny"),
    )
    first, person, second, scope = out.splitlines()
    assert first.startswith(f"{clip}: ")
    assert person.startswith("  person 0: ")
    assert " 4 faces, most fake at " in person
    assert second.startswith(f"{clip.with_name('absent.mp4')}: abstain ")
    assert scope == SCOPE_SENTENCE


def test_with_asyncio(run_example, server, clip):
    out = run_example(
        "ask_with_asyncio.py", clip.parent, "--server", server.target, "--model", "tiny"
    )
    assert out.startswith(f"{clip}: ")


def test_about_a_stream(run_example, server, clip):
    out = run_example("ask_about_a_stream.py", clip, "--server", server.target, "--model", "tiny")
    assert out.startswith("from 0 s: ")
    assert "abstain" not in out


@pytest.mark.parametrize(("brightness", "verdict"), [(250, 1), (5, 0)])
def test_over_rest(server, face_jpeg, tmp_path, brightness, verdict):
    picture = tmp_path / "face.jpg"
    picture.write_bytes(face_jpeg(brightness))
    command = [EXAMPLES / "ask_over_rest.sh", picture, f"http://{server.rest_target}", "tiny"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    (prediction,) = json.loads(answer)["predictions"]
    assert prediction["verdict"] == verdict
    assert prediction["fake_probability"] == pytest.approx(brightness / 255, abs=0.02)
