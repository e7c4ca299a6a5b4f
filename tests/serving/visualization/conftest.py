import pytest

from tests.data.bad_clips.encoding import encode, face_frames


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    encode(path, face_frames())
    return path
