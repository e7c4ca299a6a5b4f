"""The clips that other tests rely on are what they claim to be."""

import dataclasses
import pathlib

import av
import numpy as np
import pytest
from av.stream import Disposition

from tests.data import bad_clips
from tests.data.bad_clips import broken, mp4_boxes, odd
from tests.data.bad_inputs import BAD_INPUTS, file_name


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
    faces = {}
    for name, make in (("good", bad_clips.make_good), ("no_face", bad_clips.make_no_face)):
        make(tmp_path / f"{name}.mp4")
        image = decode(tmp_path / f"{name}.mp4").images[0]
        faces[name] = cascade.detect_multi_scale(
            image, scale_factor=1.2, step_ratio=1, min_size=(60, 60), max_size=(160, 160)
        )
    assert len(faces["good"]) == 1
    assert faces["good"][0]["width"] >= 60
    assert faces["no_face"] == []


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


def make(name: str, folder: pathlib.Path) -> str:
    """The file of a kind in the table of bad inputs."""
    path = folder / file_name(name)
    BAD_INPUTS[name].make(path)
    return str(path)


@pytest.mark.parametrize(
    ("name", "container", "codec", "pix_fmt"),
    [
        ("gray", "matroska", "ffv1", "gray"),
        ("yuv444", "mov", "h264", "yuv444p"),
        ("10_bit", "mov", "h264", "yuv420p10le"),
        ("full_range", "mov", "h264", "yuvj420p"),
        ("rgb", "mov", "h264", "gbrp"),
        ("alpha", "mov", "prores", "yuva444p12le"),
        ("mjpeg", "avi", "mjpeg", "yuvj420p"),
        ("vp8", "matroska", "vp8", "yuv420p"),
        ("vp9", "matroska", "vp9", "yuv420p"),
        ("hevc", "mov", "hevc", "yuv420p"),
        ("av1", "mov", "libdav1d", "yuv420p"),
        ("mpeg4_b_frames", "avi", "mpeg4", "yuv420p"),
        ("mpeg2", "mpeg", "mpeg2video", "yuv420p"),
        ("wmv", "asf", "wmv2", "yuv420p"),
        ("flash", "flv", "flv", "yuv420p"),
        ("lossless", "matroska", "ffv1", "yuv420p"),
        ("uncompressed", "avi", "rawvideo", "yuv420p"),
        ("no_timestamps", "h264", "h264", "yuv420p"),
    ],
)
def test_containers_codecs_and_pixel_formats(name, container, codec, pix_fmt, tmp_path):
    with av.open(make(name, tmp_path)) as clip:
        stream = clip.streams.video[0]
        assert clip.format.name.split(",")[0] == container
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == (codec, pix_fmt)
        frames = list(clip.decode(stream))
        assert len(frames) == 24
        assert frames[0].format.name == pix_fmt


def test_timing(tmp_path):
    def times(name):
        with av.open(make(name, tmp_path)) as clip:
            frames = list(clip.decode(video=0))
            return [frame.time for frame in frames if frame.time is not None]

    steps = np.diff(times("variable_rate"))
    assert steps[0] < 0.03
    assert steps[-1] > 0.19
    assert np.diff(times("240_fps")) == pytest.approx(1 / 240)
    assert times("late_start")[0] >= 36_000
    assert times("no_timestamps") == []
    assert min(np.diff(times("joined"))) < -0.9
    assert min(np.diff(times("backward_times"))) < -0.01


def test_what_headers_say(tmp_path):
    with av.open(make("no_duration", tmp_path)) as clip:
        assert clip.duration is None
    with av.open(make("long_duration", tmp_path)) as clip:
        assert clip.duration == 36_000 * av.time_base
    with av.open(make("count_in_header", tmp_path)) as clip:
        assert clip.streams.video[0].frames == 240
    with av.open(make("huge_frames", tmp_path)) as clip:
        assert clip.streams.video[0].codec_context.width == 12_000
    with av.open(make("interlaced", tmp_path)) as clip:
        assert next(clip.decode(video=0)).interlaced_frame
    with av.open(make("cover_first", tmp_path)) as clip:
        covers = [stream.disposition & Disposition.attached_pic for stream in clip.streams.video]
        assert [bool(cover) for cover in covers] == [True, False]
    with av.open(make("longer_sound", tmp_path)) as clip:
        assert clip.duration > 1.9 * av.time_base


@pytest.mark.parametrize("rotation", [-90, 90, 180])
def test_rotations(rotation, tmp_path):
    odd.make_rotated(tmp_path / "clip.mp4", rotation)
    (turn,) = {abs(turn) for turn in decode(tmp_path / "clip.mp4").rotations}
    assert turn == abs(rotation)


def test_boxes_are_found_and_replaced(tmp_path):
    odd.make_trimmed(tmp_path / "clip.mp4")
    content = (tmp_path / "clip.mp4").read_bytes()
    where = (b"moov", b"trak", b"edts", b"elst")
    inside = mp4_boxes.payload(content, *where)
    assert content[inside.start - 4 : inside.start] == b"elst"
    longer = mp4_boxes.replace(content, where, content[inside] + b"more")
    assert len(longer) == len(content) + 4
    assert longer[mp4_boxes.payload(longer, *where)] == content[inside] + b"more"
    with pytest.raises(ValueError, match="no box b'none'"):
        mp4_boxes.payload(content, b"moov", b"none")


def test_bit_flips_change_single_bits_of_the_pictures(tmp_path):
    broken.make_bit_flips(tmp_path / "clip.mp4", count=4)
    clip = decode(tmp_path / "clip.mp4")
    assert clip.declared == 48
    assert clip.errors + clip.corrupt > 0
