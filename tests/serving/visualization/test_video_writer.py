"""Colours, sizes and sound of written videos, all as `annotate` writes them."""

from fractions import Fraction

import av
import numpy as np
import pytest

from serving.visualization.annotation import annotate
from tests.data.bad_clips.encoding import FPS, encode, face_frames
from tests.serving.answers import answer
from tests.serving.visualization.annotated import ANSWER, add_sound, read, sound


def test_colours_are_those_of_bt_709_and_say_so(tmp_path):
    red = np.full((240, 320, 3), (200, 40, 40), np.uint8)
    encode(tmp_path / "red.mp4", [red] * 3)
    annotate(answer(), str(tmp_path / "red.mp4"), tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_primaries, frame.color_trc) == (1, 1, 1)
    # ITU-R BT.709, items 3.2 and 4.6; by BT.601 it would be 91.
    luma = 16 + 219 * (0.2126 * 200 + 0.7152 * 40 + 0.0722 * 40) / 255
    assert frame.to_ndarray(format="yuv420p")[100, 100] == pytest.approx(luma, abs=2)


def test_odd_sizes_become_even(tmp_path):
    frames = [frame[:201, :301] for frame in face_frames()[:3]]
    encode(tmp_path / "odd.mkv", frames, pix_fmt="yuv444p")
    annotate(ANSWER, str(tmp_path / "odd.mkv"), tmp_path / "out.mp4")
    _, images, _ = read(tmp_path / "out.mp4")
    assert images[0].shape[1] == 302


@pytest.mark.parametrize(("rotation", "width"), [(0, 428), (90, 240)])
def test_pixels_that_are_not_square_become_so(tmp_path, rotation, width):
    with av.open(str(tmp_path / "wide.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.height, stream.width, stream.pix_fmt = 240, 320, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        if rotation:
            stream.set_display_rotation(rotation)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(face_frames()[0])))
        container.mux(stream.encode(None))
    annotate(ANSWER, str(tmp_path / "wide.mp4"), tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.width == width
        assert stream.sample_aspect_ratio in (None, 1)


def test_sound_is_copied_packet_by_packet(clip, tmp_path):
    add_sound(clip, tmp_path / "loud.mp4")
    remarks = annotate(ANSWER, str(tmp_path / "loud.mp4"), tmp_path / "out.mp4")
    assert remarks == ()
    before, after = sound(tmp_path / "loud.mp4"), sound(tmp_path / "out.mp4")
    assert [content for _, content in after] == [content for _, content in before]
    assert [time for time, _ in after] == pytest.approx([time for time, _ in before], abs=0.001)


def test_sound_that_the_container_does_not_hold_is_left_out_and_named(clip, tmp_path):
    add_sound(clip, tmp_path / "loud.mkv", codec="tta")
    remarks = annotate(ANSWER, str(tmp_path / "loud.mkv"), tmp_path / "out.mp4")
    assert remarks == ("its sound (tta) is left out: mp4 does not hold such",)
    assert len(read(tmp_path / "out.mp4")[0]) == 24


def test_sound_stays_with_the_picture_where_a_clock_does_not_begin_at_0(clip, tmp_path):
    add_sound(clip, tmp_path / "loud.ts")  # MPEG's transport streams begin at 1.4 s
    annotate(ANSWER, str(tmp_path / "loud.ts"), tmp_path / "out.mp4")
    first_picture = read(tmp_path / "out.mp4")[0][0]
    assert sound(tmp_path / "out.mp4")[0][0] - first_picture == pytest.approx(
        sound(tmp_path / "loud.ts")[0][0] - start_of(tmp_path / "loud.ts"), abs=0.002
    )


def start_of(path):
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        return float(frame.pts * frame.time_base)
