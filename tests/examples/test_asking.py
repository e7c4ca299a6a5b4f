import json
import re
import subprocess

import pytest

from data.contract import SCOPE_SENTENCE
from serving import Client
from tests.data.bad_clips.encoding import encode
from tests.examples.conftest import EXAMPLES
from tests.serving.conftest import SCOPE

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
    first, person, second, scope, own_scope = out.splitlines()
    assert first.startswith(f"{clip}: ")
    with Client(server.target, "tiny") as client:
        (track,) = client.predict(clip).tracks
    scores = {frame.fake_probability: frame.time_s for frame in track.frames}
    assert min(scores) < max(scores)
    assert person == (
        f"  person 0: {track.verdict.value} {track.fake_probability:.2f}, "
        f"{len(track.frames)} faces, most fake at {scores[max(scores)]:.2f} s"
    )
    assert second.startswith(f"{clip.with_name('absent.mp4')}: abstain ")
    assert (scope, own_scope) == (SCOPE_SENTENCE, f"Scope of this model: {SCOPE}.")


def test_with_asyncio(run_example, server, clip):
    out = run_example(
        "ask_with_asyncio.py", clip.parent, "--server", server.target, "--model", "tiny"
    )
    assert re.match(rf"{re.escape(str(clip))}: (fake|real|uncertain)\b", out)


def test_about_a_stream(run_example, server, clip):
    out = run_example("ask_about_a_stream.py", clip, "--server", server.target, "--model", "tiny")
    assert re.match(r"from 0 s: (fake|real|uncertain) 0\.\d\d\n", out)


@pytest.mark.parametrize(("brightness", "verdict"), [(250, 1), (5, 0)])
def test_over_rest(server, face_jpeg, tmp_path, brightness, verdict):
    picture = tmp_path / "face.jpg"
    picture.write_bytes(face_jpeg(brightness))
    command = [EXAMPLES / "ask_over_rest.sh", picture, f"http://{server.rest_target}", "tiny"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    (prediction,) = json.loads(answer)["predictions"]
    assert prediction["verdict"] == verdict
    assert prediction["fake_probability"] == pytest.approx(brightness / 255, abs=0.02)
