import dataclasses
import io
import pathlib
import re

import av
import numpy as np
import pytest
from skimage import data as pictures

from data import contract
from data.faces import cropping, track_videos
from tests.data.mapped_file_system import ObjectStore

PORTRAIT = pictures.astronaut()[0:224, 112:336]
TIMES = [0.1, 0.2, 0.45, 0.5, 1.75]


def face(time_s, track=0, size=101, brightness=1.0, usable=True):
    crop = (np.resize(PORTRAIT[:size, :size], (size, size, 3)) * brightness).astype(np.uint8)
    return contract.FaceCrop(
        image=cropping.encode_jpeg(crop),
        track=track,
        time_s=time_s,
        box=(0.0, 0.0, 50.0, 60.0),
        landmarks=(0.0,) * 10,
        score=0.99,
        sharpness=100.0,
        raw_sharpness=60.0,
        usable=usable,
    )


def example(faces, video_id="faceforensics/real/004.mp4"):
    return contract.VideoExample(
        sha256="0" * 64,
        measurements=contract.Measurements(
            width=320,
            height=240,
            frames_decoded=50,
            fps=25.0,
            duration_s=2.0,
            bit_rate=1000.0,
        ),
        faces=tuple(faces),
        annotation=contract.Annotation(
            video_id=video_id,
            label=0,
            dataset="faceforensics",
            method="real",
            compression="",
            slice_methods=("real",),
            source_group="g",
        ),
    )


def read(content):
    """Codec, pixel format, sides, duration in seconds, times and frames of an MP4."""
    with av.open(io.BytesIO(content)) as container:
        stream = container.streams.video[0]
        codec, pixels = stream.codec_context.name, stream.codec_context.pix_fmt
        sides, duration = (stream.width, stream.height), stream.duration * stream.time_base
        frames = list(container.decode(stream))
    images = [frame.to_ndarray(format="rgb24") for frame in frames]
    return codec, pixels, sides, float(duration), [frame.time for frame in frames], images


def test_a_track_plays_in_real_time():
    codec, pixels, sides, duration, times, _ = read(track_videos.encode([*map(face, TIMES)]))
    assert (codec, pixels, sides) == ("h264", "yuv420p", (102, 102))
    assert times == pytest.approx([0.0, 0.1, 0.35, 0.4, 1.65], abs=1e-4)
    assert duration == pytest.approx(1.65 + 0.175, abs=1e-4), "the last for the median of the gaps"


def test_pictures_come_in_their_order_and_colours():
    levels = [0.2, 0.4, 0.6, 0.8, 1.0]
    faces = [face(at, brightness=level) for at, level in zip(TIMES, levels, strict=True)]
    *_, images = read(track_videos.encode(faces))
    for image, level in zip(images, levels, strict=True):
        expected = PORTRAIT[:101, :101].mean((0, 1)) * level
        np.testing.assert_allclose(image.mean((0, 1)), expected, atol=3)


def test_a_lone_face_is_a_video_of_one_frame():
    _, _, _, duration, times, images = read(track_videos.encode([face(7.0)]))
    assert (duration, times, len(images)) == (1.0, [0.0], 1)


def test_frames_at_the_same_time_stay_in_order():
    """As a damaged file may have them."""
    *_, times, images = read(track_videos.encode([face(3.0), face(3.0), face(3.0), face(3.5)]))
    assert len(images) == 4
    assert times == sorted(set(times))
    assert times[-1] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("sizes", "side"),
    [
        pytest.param([40, 90, 60], 90, id="largest"),
        pytest.param([39, 41], 42, id="even"),
        pytest.param([384, 100], 384, id="at most"),
        pytest.param([1], 2, id="one pixel"),
    ],
)
def test_all_frames_have_one_even_size(sizes, side):
    faces = [face(0.1 * number, size=size) for number, size in enumerate(sizes)]
    _, _, sides, _, _, images = read(track_videos.encode(faces))
    assert sides == (side, side)
    assert len(images) == len(sizes)


def test_the_same_example_gives_the_same_bytes():
    # x264 takes several threads for frames of this size, where it may.
    faces = [face(at / 25, size=200, brightness=0.5 + at / 100) for at in range(20)]
    content = track_videos.encode(faces)
    assert content == track_videos.encode(faces)
    # x264 writes its options into the stream.
    assert re.search(rb"x264 - core .* threads=1 lookahead_threads=1 .* crf=18\.0 ", content)


def test_a_file_for_each_track(tmp_path):
    faces = [*map(face, TIMES), face(2.0, usable=False)]
    faces += [face(0.3, track=1), face(0.9, track=1), face(0.5, track=3)]
    paths = track_videos.write(example(faces), str(tmp_path))
    assert sorted(map(str, tmp_path.iterdir())) == sorted(paths), "and nothing left aside"
    assert [re.search(r"\.track-\d+\.mp4$", path)[0] for path in paths] == [
        ".track-0.mp4",
        ".track-1.mp4",
        ".track-3.mp4",
    ]
    frames = [len(read(pathlib.Path(path).read_bytes())[-1]) for path in paths]
    assert frames == [5, 2, 1], "usable faces alone"


def test_a_file_is_replaced(tmp_path):
    video = example(map(face, TIMES))
    (path,) = track_videos.write(video, str(tmp_path))
    shorter = dataclasses.replace(video, faces=video.faces[:2])
    assert track_videos.write(shorter, str(tmp_path)) == [path]
    assert len(read(pathlib.Path(path).read_bytes())[-1]) == 2


def test_folders_may_be_urls(tmp_path):
    folder = ObjectStore.url(tmp_path / "faces")
    (path,) = track_videos.write(example([face(0.0)]), folder)
    assert path.startswith(f"{folder}/faceforensics_real_004_mp4-")
    (local,) = (tmp_path / "faces").iterdir()
    assert len(read(local.read_bytes())[-1]) == 1


@pytest.mark.parametrize(
    ("video_id", "readable"),
    [
        pytest.param("a/b c.mp4", "a_b_c_mp4-", id="slashes and spaces"),
        pytest.param("dfdc/视频/é\n'x'.mp4", "dfdc_视频_é_x_mp4-", id="not Latin"),
        pytest.param("a/" + "x" * 300 + "/end.mp4", "x" * 104, id="long"),
        pytest.param("é" * 300, "é" * 60, id="long and not Latin"),
        pytest.param("../../etc", "etc-", id="climbing"),
        pytest.param("😀", "", id="nothing readable"),
    ],
)
def test_file_names(video_id, readable):
    name = track_videos.file_name(video_id)
    assert name.startswith(readable)
    assert re.fullmatch(r"\w[\w-]*", name)
    assert len(name.encode()) <= 140


def test_names_that_read_alike_differ():
    ids = ["a/b.mp4", "a_b.mp4", "a/b/mp4", "x" * 300, "x" * 301]
    assert len({track_videos.file_name(video_id) for video_id in ids}) == len(ids)
