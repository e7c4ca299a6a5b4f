import dataclasses

import numpy as np
import pytest

from data.utils.errors import UsageError
from models.inputs.crop_source import CropIndex, CropSource, sample_tracks


def test_holds_every_crop_with_its_index(videos, make_source):
    source = make_source(videos)
    faces = [(number, face) for number, video in enumerate(videos) for face in video.faces]
    assert len(source.index.offset) == len(faces)
    for row, (number, face) in enumerate(faces):
        assert source.read(row) == face.image
        assert source.index.video[row] == number
        assert source.index.track[row] == face.track
        assert source.index.time_s[row] == face.time_s
    np.testing.assert_array_equal(source.index.label, [video.annotation.label for video in videos])
    np.testing.assert_array_equal(source.index.weight, [1.0] * len(videos))
    np.testing.assert_array_equal(source.index.group, [0, 0, 1, 1, 2, 2, 3, 3])


def test_landmarks_are_where_they_are_in_the_crop(videos, make_source):
    # Box 600 pixels wide: the square is 780, from -90 and 110, and the crop 384.
    points = [300.0, 500.0, 500.0, 500.0, 400.0, 600.0, *[np.nan] * 4]
    face = dataclasses.replace(
        videos[0].faces[0], box=(0.0, 300.0, 600.0, 700.0), landmarks=tuple(points)
    )
    landmarks = make_source([dataclasses.replace(videos[0], faces=(face,))]).index.landmarks
    assert landmarks.shape == (1, 5, 2)
    assert landmarks.dtype == np.float32
    expected = [
        [x * 384 / 780 - 0.5 for x in point]
        for point in [(390.5, 390.5), (590.5, 390.5), (490.5, 490.5)]
    ]
    np.testing.assert_allclose(landmarks[0, :3], expected, rtol=1e-5)
    assert np.isnan(landmarks[0, 3:]).all()


def test_faces_that_are_not_usable_are_left_out(videos, make_source):
    usable, *others = videos[0].faces
    others = [dataclasses.replace(face, usable=False) for face in others]
    source = make_source([dataclasses.replace(videos[0], faces=(usable, *others)), videos[1]])
    np.testing.assert_array_equal(source.index.video, [0, 1, 1, 1, 1])
    assert source.read(0) == usable.image


def test_fingerprint_is_of_the_videos_and_not_of_their_order(videos, make_source):
    other = dataclasses.replace(videos[0], sha256="f" * 64)
    assert make_source(videos).fingerprint == make_source(videos[::-1]).fingerprint
    assert make_source(videos).fingerprint != make_source([other, *videos[1:]]).fingerprint


def test_weights_come_from_the_transformation(videos, transform_output, write_records):
    from models.transform import TransformFeatures

    records = write_records(videos[:3])
    with CropSource.write(
        [records], records.removesuffix("*") + "crops", TransformFeatures(transform_output)
    ) as source:
        np.testing.assert_array_equal(source.index.label, [0, 1, 0])
        # The graph was analysed over as many reals as fakes.
        np.testing.assert_array_equal(source.index.weight, [1.0, 1.0, 1.0])
        assert source.video_ids == ["tiny/0.mp4", "tiny/1.mp4", "tiny/2.mp4"]


def test_nothing_to_read(write_records, tmp_path):
    with pytest.raises(UsageError, match="no file matches"):
        CropSource.write([str(tmp_path / "none-*")], str(tmp_path / "crops"))
    with pytest.raises(UsageError, match="no video in"):
        CropSource.write([write_records([])], str(tmp_path / "crops"))


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        pytest.param(1, [0, 5, 8], id="one of each track"),
        pytest.param(2, [0, 4, 5, 7, 8], id="first and last"),
        pytest.param(3, [0, 2, 4, 5, 6, 7, 8], id="evenly"),
        pytest.param(9, list(range(9)), id="all"),
    ],
)
def test_crops_are_spread_over_each_track(frames, expected):
    index = CropIndex(
        offset=np.zeros(9, np.int64),
        length=np.zeros(9, np.int32),
        video=np.array([0] * 8 + [1], np.int32),
        track=np.array([0] * 5 + [1] * 3 + [1], np.int32),
        time_s=np.zeros(9, np.float32),
        landmarks=np.zeros((9, 5, 2), np.float32),
        label=np.zeros(2, np.int8),
        group=np.zeros(2, np.int32),
        weight=np.ones(2, np.float32),
    )
    np.testing.assert_array_equal(sample_tracks(index, frames), expected)
