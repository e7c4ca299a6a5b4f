from fractions import Fraction

import av
import numpy as np
import pytest

from data.utils.errors import OutputError
from data.video.reader import UnreadableVideoError, Video
from serving.visualization.annotation import annotate
from tests.data.bad_clips import broken, odd
from tests.data.bad_clips.encoding import FPS, encode, face_frames
from tests.serving.answers import answer, track

ANSWER = answer(track({0.0: 0.9, 0.5: 0.9, 1.0: 0.9, 1.5: 0.9}))


def read(path):
    """Times of a file's frames, their images, and the end of its video stream."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = [
            (float(f.pts * f.time_base), f.to_ndarray(format="rgb24"))
            for f in container.decode(stream)
        ]
        end = container.duration / av.time_base
        assert stream.codec_context.name == "h264"
    return [time for time, _ in frames], [image for _, image in frames], end


def add_sound(source, target, codec="aac"):
    """Puts a second of a tone beside a clip's video."""
    with av.open(str(source)) as clip, av.open(str(target), "w") as output:
        video = output.add_stream_from_template(clip.streams.video[0])
        audio = output.add_stream(codec, rate=48_000)
        for packet in clip.demux(video=0):
            if packet.dts is not None:
                packet.stream = video
                output.mux(packet)
        for start in range(0, 48_000, 1024):
            samples = np.sin(np.arange(start, start + 1024) / 20)[np.newaxis].astype(np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
            frame.sample_rate, frame.pts = 48_000, start
            output.mux(audio.encode(frame))
        output.mux(audio.encode(None))


def sound(path):
    """Each packet of sound: its time and content."""
    with av.open(str(path)) as container:
        return [
            (float(packet.pts * packet.time_base), bytes(packet))
            for packet in container.demux(audio=0)
            if packet.pts is not None
        ]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    encode(path, face_frames())
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".MOV", ".mkv"])
def test_every_frame_is_there_at_its_time_with_the_answer_below(clip, tmp_path, suffix):
    target = tmp_path / f"out{suffix}"
    result = annotate(ANSWER, str(clip), target)
    assert (result.frames, result.remarks) == (24, ())
    times, images, end_s = read(target)
    assert times == pytest.approx([i / FPS for i in range(24)], abs=0.001)
    assert end_s == pytest.approx(1.0, abs=0.001)
    assert images[0].shape[0] > 240
    # Colours survive in the frame's lower right corner, which no box reaches.
    corner = slice(200, 240), slice(280, 320)
    original = face_frames()[0][corner].mean(axis=(0, 1))
    assert images[0][corner].mean(axis=(0, 1)) == pytest.approx(original, abs=4)
    assert list(tmp_path.iterdir()) == [target]


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


def test_the_box_is_where_the_face_is_and_ends_with_the_track(clip, tmp_path):
    seen = answer(track({0.0: 0.9}), times_s=(0.0, 0.5))
    annotate(seen, str(clip), tmp_path / "out.mp4")
    _, images, _ = read(tmp_path / "out.mp4")
    originals = face_frames()

    def difference(number, rows, columns):
        drawn = images[number][rows, columns].astype(int)
        return np.abs(drawn - originals[number][rows, columns]).mean()

    border = slice(26, 30), slice(40, 80)  # above the face of `BOX`
    assert difference(1, *border) > 40
    assert difference(20, *border) < 15


def test_variable_frame_rates_stay(tmp_path):
    times = [0, 40, 80, 500, 520, 900, 1500]
    encode(tmp_path / "uneven.mp4", face_frames()[: len(times)], times=times)
    annotate(ANSWER, str(tmp_path / "uneven.mp4"), tmp_path / "out.mp4")
    found, _, end_s = read(tmp_path / "out.mp4")
    assert found == pytest.approx([time / 1000 for time in times], abs=0.001)
    assert end_s == pytest.approx(measured_duration_s(tmp_path / "uneven.mp4"), abs=0.001)


def measured_duration_s(path):
    video = Video(str(path))
    assert sum(1 for _ in video.every(1)) == video.frames_decoded
    return video.duration_s


@pytest.mark.parametrize("rotation", [90, 180])
def test_a_turned_video_is_upright_without_a_mark(tmp_path, rotation):
    encode(tmp_path / "turned.mp4", face_frames()[:3], rotation=rotation)
    upright = next(Video(str(tmp_path / "turned.mp4")).every(1)).image
    annotate(ANSWER, str(tmp_path / "turned.mp4"), tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        frame = next(container.decode(video=0))
    assert frame.rotation == 0
    height, width = upright.shape[:2]
    drawn = frame.to_ndarray(format="rgb24")
    assert drawn.shape[1] == width
    corner = slice(height - 40, height), slice(width - 40, width)
    assert drawn[corner].mean(axis=(0, 1)) == pytest.approx(
        upright[corner].mean(axis=(0, 1)), abs=4
    )


def test_odd_sizes_become_even(tmp_path):
    frames = [frame[:201, :301] for frame in face_frames()[:3]]
    encode(tmp_path / "odd.mkv", frames, pix_fmt="yuv444p")
    annotate(ANSWER, str(tmp_path / "odd.mkv"), tmp_path / "out.mp4")
    _, images, _ = read(tmp_path / "out.mp4")
    assert images[0].shape[1] == 302


@pytest.mark.parametrize(("rotation", "aspect"), [(0, Fraction(4, 3)), (90, Fraction(3, 4))])
def test_pixels_that_are_not_square_stay_so(tmp_path, rotation, aspect):
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
        assert container.streams.video[0].sample_aspect_ratio == aspect


def test_sound_is_copied_packet_by_packet(clip, tmp_path):
    add_sound(clip, tmp_path / "loud.mp4")
    result = annotate(ANSWER, str(tmp_path / "loud.mp4"), tmp_path / "out.mp4")
    assert result.remarks == ()
    before, after = sound(tmp_path / "loud.mp4"), sound(tmp_path / "out.mp4")
    assert [content for _, content in after] == [content for _, content in before]
    assert [time for time, _ in after] == pytest.approx([time for time, _ in before], abs=0.001)


def test_sound_that_the_container_does_not_hold_is_left_out_and_named(clip, tmp_path):
    add_sound(clip, tmp_path / "loud.mkv", codec="tta")
    result = annotate(ANSWER, str(tmp_path / "loud.mkv"), tmp_path / "out.mp4")
    assert result.remarks == ("its sound (tta) is left out: mp4 does not hold such",)
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


@pytest.mark.parametrize(
    ("make", "remark"),
    [
        pytest.param(broken.make_damaged, "damaged frames are left out", id="a hole"),
        pytest.param(broken.make_truncated, "the input ends early, and so does this", id="cut"),
    ],
)
def test_of_a_damaged_video_there_is_what_could_be_read(tmp_path, make, remark):
    make(tmp_path / "bad.mp4")
    result = annotate(ANSWER, str(tmp_path / "bad.mp4"), tmp_path / "out.mp4")
    assert any(remark in found for found in result.remarks)
    times, _, _ = read(tmp_path / "out.mp4")
    assert 10 < len(times) == result.frames < 48


def test_a_size_that_changes_on_the_way(tmp_path):
    odd.make_changing_size(tmp_path / "changes.ts")
    annotate(ANSWER, str(tmp_path / "changes.ts"), tmp_path / "out.mp4")
    _, images, _ = read(tmp_path / "out.mp4")
    assert len({image.shape for image in images}) == 1


def test_what_cannot_be_read_or_written_leaves_nothing(clip, tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(UnreadableVideoError):
        annotate(ANSWER, str(tmp_path / "text.mp4"), out / "a.mp4")
    with pytest.raises(FileNotFoundError):
        annotate(ANSWER, str(tmp_path / "missing.mp4"), out / "a.mp4")
    with pytest.raises(OutputError, match=r"a\.mp4: cannot be written"):
        annotate(ANSWER, str(clip), out / "none" / "a.mp4")
    (out / "a.mp4").mkdir()  # nothing can be renamed over a folder
    with pytest.raises(OutputError, match=r"a\.mp4: cannot be written"):
        annotate(ANSWER, str(clip), out / "a.mp4")
    assert [path.name for path in out.iterdir()] == ["a.mp4"]
