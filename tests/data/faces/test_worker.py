"""A video that ends its process costs one row; the next one is extracted as if alone."""

import pytest

from data.faces.extract import FaceOptions, OriginalFaces
from data.faces.worker import (
    SECONDS_PER_PIXEL,
    SECONDS_PER_SEARCHED_FRAME,
    FaceExtractor,
    allowance_s,
)
from data.ledger import Status
from data.utils.errors import UsageError
from tests.data import bad_clips, misbehaving
from tests.data.bad_clips.encoding import encode, face_frames, gradient_frames

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


@pytest.mark.parametrize(
    ("size_bytes", "options", "limit_s"),
    [
        pytest.param(1_500_000, OPTIONS, "5.5", id="large file"),
        pytest.param(0, FaceOptions(every_nth_frame=1), "8", id="more frames are searched"),
    ],
)
def test_what_hangs_is_ended_later_if_it_is_large_or_long(
    size_bytes, options, limit_s, extractor, tmp_path, monkeypatch
):
    clip = tmp_path / "clip.mp4"
    misbehaving.make_trigger(clip, misbehaving.HANGS)
    monkeypatch.setattr(extractor, "_time_limit_s", 2.0)
    monkeypatch.setattr(extractor, "_options", options)
    outcome = extractor.extract(str(clip), size_bytes)
    assert (outcome.status, outcome.faces) == (Status.TIMEOUT, ())
    assert f"it took longer than {limit_s} seconds: 2 for any video" in outcome.reason
    assert "--time-limit" in outcome.reason


def test_a_longer_video_and_a_larger_one_may_take_longer(tmp_path):
    def allowed(count, width, height):
        encode(tmp_path / "clip.mp4", gradient_frames(count, width, height))
        return allowance_s(str(tmp_path / "clip.mp4"), OPTIONS)

    searched = 2 * SECONDS_PER_SEARCHED_FRAME
    assert allowed(4, 64, 48) == pytest.approx(searched + 4 * 64 * 48 * SECONDS_PER_PIXEL)
    assert allowed(8, 64, 96) == pytest.approx(searched + 8 * 64 * 96 * SECONDS_PER_PIXEL)


def test_what_is_no_video_may_take_no_longer(tmp_path):
    (tmp_path / "text.mp4").write_text("text")
    assert allowance_s(str(tmp_path / "text.mp4"), OPTIONS) == 0
    assert allowance_s(str(tmp_path / "absent.mp4"), OPTIONS) == 0


def test_six_minutes_of_4k_at_60_frames_a_second_may_take_long_enough():
    assert SECONDS_PER_PIXEL * 360 * 60 * 3840 * 2160 > 10 * 127  # what decoding took


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
