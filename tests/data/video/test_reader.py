"""Reading clips that are whole, cut, damaged, turned, or no video at all."""

import shutil

import av
import numpy as np
import pytest
from PIL.Image import Transpose

from data.video.reader import UnreadableVideoError, Video
from tests.data import bad_clips
from tests.data.bad_clips import broken, odd
from tests.data.bad_clips.encoding import (
    FPS,
    SHORT_COUNT,
    copy_packets,
    encode,
    face_frames,
)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for name in ["good", "truncated", "damaged", "rotated", "audio_only", "empty", "text"]:
        getattr(bad_clips, f"make_{name}")(folder / f"{name}.mp4")
    return folder


def all_frames(path):
    with av.open(str(path)) as container:
        return [
            (frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)
        ]


def test_frames_lie_in_the_middle_of_equal_parts(clips):
    expected = all_frames(clips / "good.mp4")
    video = Video(str(clips / "good.mp4"))
    sampled = list(video.sample(5))
    span = expected[-1][0] * len(expected) / (len(expected) - 1)
    for i, frame in enumerate(sampled):
        shown = [time for time, _ in expected if time <= span * (i + 0.5) / 5 + 1e-9][-1]
        assert frame.time_s == pytest.approx(shown)
        np.testing.assert_array_equal(frame.image, dict(expected)[shown])


def test_what_was_measured_while_decoding(clips):
    path = clips / "good.mp4"
    expected = all_frames(path)
    video = Video(str(path))
    list(video.sample(3))
    assert video.start_s == 0.0
    assert video.frames_decoded == video.frames_declared == len(expected)
    assert video.frames_damaged == 0
    assert not video.truncated
    assert (video.width, video.height) == (bad_clips.WIDTH, bad_clips.HEIGHT)
    with av.open(str(path)) as container:
        assert video.fps == pytest.approx(float(container.streams.video[0].average_rate))
        duration_s = container.duration / av.time_base
    assert video.duration_s == pytest.approx(duration_s, abs=0.02)
    assert video.bit_rate == pytest.approx(8 * path.stat().st_size / duration_s, rel=0.02)


def test_more_frames_than_there_are_gives_each_once(clips):
    times = [frame.time_s for frame in Video(str(clips / "good.mp4")).sample(10_000)]
    assert times == [pytest.approx(time) for time, _ in all_frames(clips / "good.mp4")]


@pytest.mark.parametrize("n", [1, 5, 1000])
def test_every_nth_frame_from_the_first(n, clips):
    expected = all_frames(clips / "good.mp4")[::n]
    video = Video(str(clips / "good.mp4"))
    frames = list(video.every(n))
    assert [frame.time_s for frame in frames] == [pytest.approx(time) for time, _ in expected]
    for frame, (_, image) in zip(frames, expected, strict=True):
        np.testing.assert_array_equal(frame.image, image)
    assert video.frames_decoded == bad_clips.FRAME_COUNT


def test_truncated_clips_give_the_frames_that_are_there(clips):
    video = Video(str(clips / "truncated.mp4"))
    assert len(list(video.sample(4))) > 0
    assert video.truncated
    assert 0 < video.frames_decoded < video.frames_declared


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_truncated_matroska_has_no_index_but_a_duration(share, clips, tmp_path):
    whole, cut = tmp_path / "whole.mkv", tmp_path / "cut.mkv"
    with av.open(str(clips / "good.mp4")) as source, av.open(str(whole), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    content = whole.read_bytes()
    cut.write_bytes(content[: int(share * len(content))])
    assert not Video(str(whole)).truncated
    assert Video(str(cut)).truncated


def test_damage_is_counted_and_survived(clips):
    whole = len(all_frames(clips / "good.mp4"))
    video = Video(str(clips / "damaged.mp4"))
    last = list(video.sample(8))[-1]
    assert video.frames_damaged > 0
    assert 0 < video.frames_decoded < whole
    assert not video.truncated
    # Frames behind the hole are used.
    assert last.time_s > 0.7 * video.duration_s


def test_a_lost_packet_of_a_transport_stream_is_counted(tmp_path):
    encode(tmp_path / "clip.ts")
    content = (tmp_path / "clip.ts").read_bytes()
    middle = 188 * (len(content) // 188 // 2)
    (tmp_path / "clip.ts").write_bytes(content[:middle] + content[middle + 188 :])
    video = Video(str(tmp_path / "clip.ts"))
    list(video.sample(1))
    assert video.frames_damaged > 0
    assert video.frames_decoded >= SHORT_COUNT - video.frames_damaged


def test_frames_without_their_key_frame_are_counted_not_used(clips, tmp_path):
    copy_packets(clips / "good.mp4", tmp_path / "clip.mp4", skip=1)
    video = Video(str(tmp_path / "clip.mp4"))
    assert len(list(video.every(1))) == bad_clips.FRAME_COUNT - FPS // 2
    assert video.frames_damaged == FPS // 2 - 1


def test_frames_that_a_decoder_passes_over_in_silence_are_counted(tmp_path):
    broken.make_damaged(tmp_path / "clip.mp4", codec="libsvtav1", options={"preset": "12"})
    video = Video(str(tmp_path / "clip.mp4"))
    assert 0 < len(list(video.every(1))) < bad_clips.FRAME_COUNT
    assert video.frames_decoded + video.frames_damaged == bad_clips.FRAME_COUNT


def test_a_frame_that_is_never_shown_is_not_lost(tmp_path):
    odd.make_hidden_frame(tmp_path / "clip.ivf")
    video = Video(str(tmp_path / "clip.ivf"))
    assert len(list(video.every(1))) == video.packets == SHORT_COUNT - 1
    assert video.frames_damaged == 0


def test_hidden_frames_in_packets_of_their_own_are_no_damage(tmp_path):
    odd.make_hidden_packets(tmp_path / "clip.mkv")
    with av.open(str(tmp_path / "clip.mkv")) as container:
        assert sum(packet.size > 0 for packet in container.demux()) > SHORT_COUNT
    video = Video(str(tmp_path / "clip.mkv"))
    assert len(list(video.every(1))) == video.packets == video.frames_declared == SHORT_COUNT
    assert video.frames_damaged == 0


def test_hidden_frames_of_vp9(shared_data):
    video = Video(str(shared_data / "cases/vp9_hidden/split.avi"))
    assert len(list(video.every(1))) == video.packets == video.frames_declared == 48
    assert video.frames_damaged == 0


def test_a_gif_is_a_video(tmp_path):
    encode(tmp_path / "clip.gif", codec="gif", pix_fmt="rgb8", options={})
    video = Video(str(tmp_path / "clip.gif"))
    assert len(list(video.every(1))) == SHORT_COUNT
    assert (video.frames_damaged, video.truncated) == (0, False)


@pytest.mark.parametrize(("make", "lost"), [(odd.make_interlaced, 0), (encode, SHORT_COUNT)])
def test_two_packets_may_make_one_interlaced_frame(make, lost, tmp_path):
    make(tmp_path / "clip.mp4")
    video = Video(str(tmp_path / "clip.mp4"))
    video.packets *= 2  # no encoder at hand codes the two fields apart
    assert len(list(video.every(1))) == SHORT_COUNT
    assert video.frames_damaged == lost


def test_a_packet_that_cannot_be_read_is_counted_and_passed_over(tmp_path):
    broken.make_unreadable_packet(tmp_path / "clip.ivf")
    video = Video(str(tmp_path / "clip.ivf"))
    assert len(list(video.every(1))) == SHORT_COUNT
    assert video.frames_damaged == 1


@pytest.mark.parametrize("count", [6, SHORT_COUNT])
def test_clips_joined_in_one_file(count, tmp_path):
    path = tmp_path / "clip.ts"
    encode(path, face_frames()[:count])
    path.write_bytes(2 * path.read_bytes())
    video = Video(str(path))
    times = [frame.time_s for frame in video.every(1)]
    assert len(times) == 2 * count
    assert times == sorted(times)
    assert video.frames_damaged > 0  # where the packets' numbers begin anew
    if count > 16:  # further than any decoder holds frames back
        assert video.duration_s == pytest.approx(2 * count / FPS, abs=1 / FPS)


@pytest.mark.parametrize("rotation", [-90, 90, 180])
def test_rotation_is_applied(rotation, clips, tmp_path):
    upright = next(Video(str(clips / "good.mp4")).sample(1)).image
    odd.make_rotated(tmp_path / "clip.mp4", rotation)
    video = Video(str(tmp_path / "clip.mp4"))
    turned = next(video.sample(1)).image
    assert turned.shape == upright.shape
    assert (video.width, video.height) == (bad_clips.WIDTH, bad_clips.HEIGHT)
    assert np.abs(turned.astype(int) - upright).mean() < 10


@pytest.mark.parametrize(
    ("turn", "matrix"),
    [
        (None, [1, 0, 0, 1]),
        (Transpose.FLIP_LEFT_RIGHT, [-1, 0, 0, 1]),
        (Transpose.ROTATE_180, [-1, 0, 0, -1]),
        (Transpose.FLIP_TOP_BOTTOM, [1, 0, 0, -1]),
        (Transpose.TRANSPOSE, [0, 1, 1, 0]),
        (Transpose.ROTATE_270, [0, 1, -1, 0]),
        (Transpose.TRANSVERSE, [0, -1, -1, 0]),
        (Transpose.ROTATE_90, [0, -1, 1, 0]),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_all_eight_orientations_are_set_right(turn, matrix, tmp_path):
    odd.make_oriented(tmp_path / "clip.mp4", turn, matrix)
    video = Video(str(tmp_path / "clip.mp4"))
    shown = next(video.every(1)).image
    assert (video.width, video.height) == (bad_clips.WIDTH, bad_clips.HEIGHT)
    assert np.abs(shown.astype(int) - face_frames()[0]).mean() < 10
    assert np.abs(shown[:, ::-1].astype(int) - face_frames()[0]).mean() > 20


def test_frames_of_a_stream_that_changes_its_size(tmp_path):
    odd.make_changing_size(tmp_path / "clip.ts")
    video = Video(str(tmp_path / "clip.ts"))
    shapes = [frame.image.shape for frame in video.every(1)]
    assert shapes == [(240, 320, 3)] * 12 + [(360, 480, 3)] * 12
    assert (video.width, video.height) == (320, 240)


@pytest.mark.parametrize(
    ("make", "suffix", "count", "fps"),
    [
        (odd.make_late_start, ".ts", 24, FPS),
        (odd.make_no_timestamps, ".h264", 24, 25),  # what FFmpeg takes for granted
        (broken.make_equal_times, ".mp4", 24, FPS),
        (broken.make_backward_times, ".mkv", 48, FPS),
        (odd.make_trimmed, ".mp4", 12, FPS),
    ],
)
def test_times_begin_at_zero_and_rise_whatever_the_file_says(make, suffix, count, fps, tmp_path):
    path = (tmp_path / "clip").with_suffix(suffix)
    make(path)
    video = Video(str(path))
    times = [frame.time_s for frame in video.every(1)]
    assert times == pytest.approx([i / fps for i in range(count)], abs=1e-3)
    assert (video.frames_declared, video.fps) == (count, pytest.approx(fps, rel=1e-3))
    spaced = [frame.time_s for frame in Video(str(path)).sample(4)]
    assert np.diff(spaced) == pytest.approx(count / fps / 4, abs=1 / fps)


def test_a_clock_that_does_not_begin_at_zero(tmp_path):
    odd.make_late_start(tmp_path / "late.ts")
    with av.open(str(tmp_path / "late.ts")) as container:
        first = next(container.decode(video=0)).time
    assert Video(str(tmp_path / "late.ts")).start_s == pytest.approx(first)


# ITU-R BT.601 and BT.709, item 3 each: shares of red and blue in the luma.
LUMA = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}
PATCH = (120, 90, 180)


def patch_rgb(matrix: str, full_range: bool) -> list[float]:
    """What `PATCH` (Y', Cb, Cr) shows, by the equations of BT.601 and BT.709, item 3."""
    red, blue = LUMA[matrix]
    y, cb, cr = PATCH
    if full_range:
        luma, b_y, r_y = y / 255, (cb - 128) / 255, (cr - 128) / 255
    else:
        luma, b_y, r_y = (y - 16) / 219, (cb - 128) / 224, (cr - 128) / 224
    r, b = luma + 2 * (1 - red) * r_y, luma + 2 * (1 - blue) * b_y
    g = (luma - red * r - blue * b) / (1 - red - blue)
    return [255 * value for value in (r, g, b)]


@pytest.mark.parametrize("full_range", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize(
    ("colorspace", "matrix"),
    # AVCOL_SPC_*, ITU-T H.273, table 4.
    [(1, "bt709"), (5, "bt601"), (6, "bt601"), (None, "bt601")],
    ids=["bt709", "bt470bg", "smpte170m", "unnamed"],
)
def test_colours_follow_the_matrix_and_range_that_the_stream_names(
    colorspace, matrix, full_range, tmp_path
):
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.color_range = 2 if full_range else 1
        if colorspace is not None:
            stream.codec_context.colorspace = colorspace
        frame = av.VideoFrame(64, 48, "yuv420p")
        for plane, value in zip(frame.planes, PATCH, strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    (shown,) = Video(str(path)).every(1)
    # swscale's tables round each term; the four answers are ten and more apart.
    assert np.abs(shown.image - patch_rgb(matrix, full_range)).max() < 2.5


def test_frames_that_prove_too_large_are_not_decoded(tmp_path):
    broken.make_bomb(tmp_path / "clip.avi")
    video = Video(str(tmp_path / "clip.avi"))
    assert list(video.every(1)) == []
    assert (video.frames_decoded, video.frames_damaged) == (0, 3)


def test_frames_that_grow_too_large_are_not_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr("data.video.reader.MAX_PIXELS", 320 * 240)
    odd.make_changing_size(tmp_path / "clip.ts")
    video = Video(str(tmp_path / "clip.ts"))
    assert {frame.image.shape for frame in video.every(1)} == {(240, 320, 3)}
    assert video.frames_damaged >= 11


@pytest.mark.parametrize("name", ["text.mp4", "audio_only.mp4"])
def test_a_file_that_changes_while_it_is_read(name, clips, tmp_path):
    shutil.copy(clips / "good.mp4", tmp_path / "clip.mp4")
    video = Video(str(tmp_path / "clip.mp4"))
    shutil.copy(clips / name, tmp_path / "clip.mp4")
    with pytest.raises(UnreadableVideoError):
        list(video.sample(1))


def test_nothing_is_printed(clips, capfd):
    for name in ("damaged", "truncated"):
        list(Video(str(clips / f"{name}.mp4")).sample(1))
    with pytest.raises(UnreadableVideoError):
        Video(str(clips / "text.mp4"))
    assert capfd.readouterr() == ("", "")
