"""The clips that other tests rely on are what they claim to be."""

import dataclasses
import pathlib

import av
import numpy as np
import pytest

from tests.data import bad_clips


@dataclasses.dataclass(frozen=True)
class Decoded:
    declared: int
    images: list[np.ndarray]
    rotations: set[int]
    errors: int
    corrupt: int


def decode(path: pathlib.Path) -> Decoded:
    images, rotations, errors, corrupt = [], set(), 0, 0
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                errors += 1
                continue
            for frame in frames:
                corrupt += frame.is_corrupt
                rotations.add(frame.rotation)
                images.append(frame.to_ndarray(format="rgb24"))
        return Decoded(stream.frames, images, rotations, errors, corrupt)


@pytest.mark.parametrize("make", [bad_clips.make_good, bad_clips.make_no_face])
def test_whole_clips(make, tmp_path):
    make(tmp_path / "clip.mp4")
    clip = decode(tmp_path / "clip.mp4")
    assert clip.declared == len(clip.images) == 48
    assert (clip.errors, clip.corrupt, clip.rotations) == (0, 0, {0})
    assert {image.shape for image in clip.images} == {(240, 320, 3)}
    assert np.abs(clip.images[0].astype(float) - clip.images[-1]).mean() > 5  # it moves


def test_only_the_good_clip_shows_a_face(tmp_path):
    from skimage import data, feature

    cascade = feature.Cascade(data.lbp_frontal_face_cascade_filename())
    found = {}
    for name, make in (("good", bad_clips.make_good), ("no_face", bad_clips.make_no_face)):
        make(tmp_path / f"{name}.mp4")
        image = decode(tmp_path / f"{name}.mp4").images[0]
        found[name] = cascade.detect_multi_scale(
            image, scale_factor=1.2, step_ratio=1, min_size=(60, 60), max_size=(160, 160)
        )
    assert len(found["good"]) == 1
    assert found["good"][0]["width"] >= 60
    assert found["no_face"] == []


def test_rotated_clip_is_the_good_one_once_upright(tmp_path):
    bad_clips.make_good(tmp_path / "good.mp4")
    bad_clips.make_rotated(tmp_path / "rotated.mp4")
    good, rotated = decode(tmp_path / "good.mp4"), decode(tmp_path / "rotated.mp4")
    assert rotated.rotations == {-90}
    assert rotated.images[0].shape == (320, 240, 3)
    upright = np.rot90(rotated.images[0], (-90 // 90) % 4)
    assert np.abs(upright.astype(float) - good.images[0]).mean() < 4


def test_truncated_clip_declares_more_than_it_holds(tmp_path):
    bad_clips.make_truncated(tmp_path / "clip.mp4")
    clip = decode(tmp_path / "clip.mp4")
    assert clip.declared == 48
    assert 16 <= len(clip.images) <= 36


def test_damaged_clip_loses_frames_in_the_middle_only(tmp_path):
    bad_clips.make_damaged(tmp_path / "clip.mp4")
    clip = decode(tmp_path / "clip.mp4")
    assert clip.declared == 48
    assert clip.errors > 0
    assert 36 <= len(clip.images) - clip.corrupt < 48


@pytest.mark.parametrize("make", [bad_clips.make_empty, bad_clips.make_text])
def test_files_that_are_no_video(make, tmp_path):
    make(tmp_path / "clip.mp4")
    with pytest.raises(av.error.InvalidDataError):
        av.open(str(tmp_path / "clip.mp4"))


def test_audio_only_clip_has_no_video_stream(tmp_path):
    bad_clips.make_audio_only(tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert len(container.streams.video) == 0
        assert len(container.streams.audio) == 1
        assert sum(frame.samples for frame in container.decode(audio=0)) >= 16_000
