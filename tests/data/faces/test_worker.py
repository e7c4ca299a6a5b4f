"""A video that ends its process costs one row; the next one is extracted as if alone."""

import pytest

from data.faces.extract import FaceOptions, OriginalFaces
from data.faces.worker import FaceExtractor
from data.ledger import Status
from data.utils.errors import UsageError
from tests.data import bad_clips, misbehaving
from tests.data.bad_clips.encoding import encode, face_frames

pytestmark = pytest.mark.slow

OPTIONS = FaceOptions(frames_per_video=2)


@pytest.fixture(scope="module")
def extractor():
    with FaceExtractor("tests.data.misbehaving:Misbehaving", OPTIONS, time_limit_s=60) as made:
        yield made


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "good.mp4"
    bad_clips.make_good(path)
    return path


@pytest.mark.parametrize(
    ("side", "status", "reason"),
    [
        (misbehaving.DIES, Status.CRASHED, "SIGSEGV"),
        (misbehaving.RAISES, Status.CRASHED, "RuntimeError: the detector has a fault"),
        (misbehaving.FILLS_MEMORY, Status.CRASHED, "more than 4 GiB"),
    ],
    ids=["dies", "raises", "fills the memory"],
)
def test_each_end_has_its_status_and_the_next_video_is_extracted(
    side, status, reason, extractor, good, tmp_path
):
    clip = tmp_path / "clip.mp4"
    misbehaving.make_trigger(clip, side)
    outcome = extractor.extract(str(clip), 0)
    assert (outcome.status, outcome.faces) == (status, ())
    assert reason in outcome.reason
    assert extractor.extract(str(good), 0).status is Status.OK


def test_what_hangs_is_ended_later_if_it_is_large(good, extractor, tmp_path, monkeypatch):
    clip = tmp_path / "clip.mp4"
    misbehaving.make_trigger(clip, misbehaving.HANGS)
    monkeypatch.setattr(extractor, "_time_limit_s", 2.0)
    outcome = extractor.extract(str(clip), 1_500_000)
    assert (outcome.status, outcome.faces) == (Status.TIMEOUT, ())
    assert "longer than 3.5 seconds" in outcome.reason


def test_boxes_of_an_original_are_used_where_they_fit(good, extractor, tmp_path):
    own = extractor.extract(str(good), 0)
    shifted = tuple(
        type(face)(**{**vars(face), "box": (40.0, 30.0, 140.0, 150.0)}) for face in own.faces
    )
    at_original = extractor.extract(
        str(good), 0, OriginalFaces(own.measurements.width, own.measurements.height, shifted)
    )
    assert at_original.at_original_boxes
    assert {face.box for face in at_original.faces} == {(40.0, 30.0, 140.0, 150.0)}
    # One that lacks its last frames has the same frames at the same times.
    shorter = tmp_path / "shorter.mp4"
    encode(shorter, face_frames(44))
    at_original = extractor.extract(
        str(shorter), 0, OriginalFaces(own.measurements.width, own.measurements.height, shifted)
    )
    assert at_original.at_original_boxes
    assert [face.time_s for face in at_original.faces] == [face.time_s for face in own.faces]
    # One that lacks half of them is searched.
    encode(shorter, face_frames(24))
    at_original = extractor.extract(
        str(shorter), 0, OriginalFaces(own.measurements.width, own.measurements.height, shifted)
    )
    assert not at_original.at_original_boxes
    other_size = extractor.extract(
        str(good), 0, OriginalFaces(own.measurements.width // 2, 9, shifted)
    )
    assert not other_size.at_original_boxes
    assert other_size.faces == own.faces


def test_a_detector_that_cannot_be_made_is_no_fault_of_the_video(good):
    extractor = FaceExtractor("tests.data.misbehaving:Absent", OPTIONS, 10)
    with extractor, pytest.raises(UsageError, match="has no class Absent"):
        extractor.extract(str(good), 0)
