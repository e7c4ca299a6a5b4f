"""Every kind of bad input ends as its table says, given to the extraction alone."""

import contextlib
import math
import os
import pathlib
import tempfile

import pytest

from data.detectors.mtcnn import Mtcnn
from data.faces import FaceOptions, VideoFaces, extract_faces
from data.ledger import Status
from tests.data import misbehaving
from tests.data.bad_inputs import BAD_INPUTS, file_name

pytestmark = pytest.mark.slow

OPTIONS = FaceOptions(frames_per_video=4)
NOBODY = 65534
ALONE = [name for name, kind in BAD_INPUTS.items() if kind.alone]


@pytest.fixture(scope="module")
def detector():
    return Mtcnn()


@contextlib.contextmanager
def unprivileged():
    """Runs as a user who owns nothing."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def folder():
    """A folder that every user may enter, which pytest's are not."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield pathlib.Path(name)


def check(outcome: VideoFaces) -> None:
    """What holds of every outcome."""
    counts = (
        outcome.measurements.frames_declared,
        outcome.measurements.frames_decoded,
        outcome.measurements.frames_damaged,
    )
    measures = (
        outcome.measurements.fps,
        outcome.measurements.duration_s,
        outcome.measurements.bit_rate,
    )
    assert all(count >= 0 for count in counts)
    assert all(math.isfinite(value) and value >= 0 for value in measures)
    assert bool(outcome.reason) is (outcome.status is not Status.OK)
    places = [(face.track, face.time_s) for face in outcome.faces]
    assert places == sorted(places)
    assert all(0 <= time_s < math.inf for _, time_s in places)
    assert outcome.faces == () or outcome.status in (Status.OK, Status.TRUNCATED, Status.DAMAGED)
    assert outcome.tracks_kept == len({face.track for face in outcome.faces})


@pytest.mark.parametrize("name", ALONE)
def test_every_kind_ends_as_the_table_says(name, folder, detector):
    kind = BAD_INPUTS[name]
    path = folder / file_name(name)
    if kind.make is not None:
        kind.make(path)
    with unprivileged() if kind.needs_user else contextlib.nullcontext():
        outcome = extract_faces(str(path), detector, OPTIONS)
    assert (outcome.status, bool(outcome.faces)) == (kind.status, kind.is_used), outcome.reason
    check(outcome)


def test_a_file_in_a_folder_that_is_closed_is_not_taken_for_missing(folder, detector):
    BAD_INPUTS["original"].make(folder / "clip.mp4")
    folder.chmod(0o700)
    with unprivileged():
        outcome = extract_faces(str(folder / "clip.mp4"), detector, OPTIONS)
    assert outcome.status is Status.UNREADABLE
    assert outcome.reason == "cannot be opened: Permission denied"


def test_the_table_names_every_kind_once():
    assert len(BAD_INPUTS) >= 100
    files = [file_name(name) for name in BAD_INPUTS]
    assert len(set(files)) == len(files)
    assert {kind.status for kind in BAD_INPUTS.values()} == set(Status) - {
        Status.REFUSED_CROSS_SPLIT,
        Status.REFUSED_BALANCE,
    }


@pytest.mark.parametrize("side", [misbehaving.RAISES, 64])
def test_the_misbehaving_detector_finds_faces_until_a_size_says_otherwise(side, folder):
    misbehaving.make_trigger(folder / "clip.mp4", side)
    expected = pytest.raises(RuntimeError) if side != 64 else contextlib.nullcontext()
    with expected:
        outcome = extract_faces(str(folder / "clip.mp4"), misbehaving.Misbehaving(), OPTIONS)
        assert outcome.status is Status.NO_FACE
