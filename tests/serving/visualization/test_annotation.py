import av
import numpy as np
import pytest

from data.utils.errors import OutputError
from data.video.reader import UnreadableVideoError, Video
from serving.visualization.annotation import annotate
from tests.data.bad_clips import broken, odd
from tests.data.bad_clips.encoding import FPS, encode, face_frames
from tests.serving.answers import answer, track
from tests.serving.visualization.annotated import ANSWER, read


@pytest.mark.parametrize("suffix", [".mp4", ".MOV", ".mkv"])
def test_every_frame_is_there_at_its_time_with_the_answer_below(clip, tmp_path, suffix):
    target = tmp_path / f"out{suffix}"
    assert annotate(ANSWER, str(clip), target) == ()
    times, images, end_s = read(target)
    assert times == pytest.approx([i / FPS for i in range(24)], abs=0.001)
    assert end_s == pytest.approx(1.0, abs=0.001)
    assert images[0].shape[0] > 240
    # Colours survive in the frame's lower right corner, which no box reaches.
    corner = slice(200, 240), slice(280, 320)
    original = face_frames()[0][corner].mean(axis=(0, 1))
    assert images[0][corner].mean(axis=(0, 1)) == pytest.approx(original, abs=4)
    assert list(tmp_path.iterdir()) == [target]


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
    written, _, end_s = read(tmp_path / "out.mp4")
    assert written == pytest.approx([time / 1000 for time in times], abs=0.001)
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


@pytest.mark.parametrize(
    ("make", "remark"),
    [
        pytest.param(broken.make_damaged, "damaged frames are left out", id="a hole"),
        pytest.param(broken.make_truncated, "the input ends early, and so does this", id="cut"),
    ],
)
def test_of_a_damaged_video_there_is_what_could_be_read(tmp_path, make, remark):
    make(tmp_path / "bad.mp4")
    remarks = annotate(ANSWER, str(tmp_path / "bad.mp4"), tmp_path / "out.mp4")
    assert any(remark in text for text in remarks)
    times, _, _ = read(tmp_path / "out.mp4")
    assert 10 < len(times) < 48


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
