"""What MediaPipe finds with the same model, we find."""

import sys

import cv2
import numpy as np
import pytest
from skimage import data as skimage_data

from data import contract, example_encoding
from data.detectors import blazeface
from data.detectors.blazeface import BlazeFace
from data.utils.errors import UsageError

# What MediaPipe 0.10.9 itself gives, `FaceDetection(0.6, model_selection=1)`, for parts of
# scikit-image's astronaut that need no scaling: score, box, right eye, left eye, nose.
SQUARE = [(0.91298, [40.24, 61.32, 154.38, 175.47], [75.04, 102.71, 121.01, 102.78, 95.19, 133.71])]
TALL = [(0.92010, [15.65, 61.03, 130.44, 175.83], [50.28, 103.55, 96.85, 102.37, 72.05, 134.38])]
# The lower edge of the box, at 147.06, lies below the frame.
WIDE = [(0.72975, [42.62, 38.05, 151.59, 143.00], [75.71, 77.73, 119.64, 79.91, 93.51, 109.69])]
TWO = [
    (0.87177, [21.23, 23.06, 76.67, 78.49], [37.28, 40.99, 59.44, 42.44, 48.08, 55.28]),
    (0.85437, [115.32, 23.50, 170.64, 78.83], [131.54, 42.26, 153.82, 41.24, 144.33, 55.30]),
]


@pytest.fixture(scope="module")
def detector():
    return BlazeFace()


def picture(name):
    astronaut = skimage_data.astronaut()
    half = astronaut[20:212:2, 128:320:2]
    return {
        "square": astronaut[0:192, 128:320],
        "tall": astronaut[0:192, 152:296],
        "wide": astronaut[24:168, 128:320],
        "two": np.concatenate([half, half[:, ::-1]], axis=1),
    }[name]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("square", SQUARE), ("tall", TALL), ("wide", WIDE), ("two", TWO)],
)
def test_finds_what_mediapipe_finds(detector, name, expected):
    (faces,) = detector.detect(np.ascontiguousarray(picture(name))[None])
    assert len(faces) == len(expected)
    for face, (score, box, points) in zip(faces, expected, strict=True):
        assert face.score == pytest.approx(score, abs=1e-4)
        np.testing.assert_allclose(face.box, box, atol=0.01)
        np.testing.assert_allclose(face.landmarks[:6], points, atol=0.01)


@pytest.mark.parametrize(
    ("boxes", "scores", "expected"),
    [
        pytest.param([], [], [], id="none"),
        pytest.param([[0, 0, 8, 8], [20, 0, 28, 8]], [0.7, 0.9], [(20, 0.9), (0, 0.7)], id="apart"),
        pytest.param([[0, 0, 8, 8], [4, 0, 12, 8]], [0.6, 0.9], [(2.4, 0.9)], id="a third"),
        pytest.param([[0, 0, 8, 8], [5, 0, 13, 8]], [0.6, 0.9], [(5, 0.9), (0, 0.6)], id="less"),
        pytest.param([[3, 3, 3, 3], [3, 3, 3, 3]], [0.6, 0.9], [(3, 0.9), (3, 0.6)], id="empty"),
    ],
)
def test_merges_boxes_that_overlap_by_more_than_three_tenths(boxes, scores, expected):
    corners = np.array(boxes, np.float32).reshape(-1, 2, 2)
    points = np.concatenate([corners, corners[:, :1].repeat(6, axis=1)], axis=1)
    merged, best = blazeface.weighted_nms(points, np.array(scores))
    rows = [(float(group[0, 0]), score) for group, score in zip(merged, best, strict=True)]
    assert rows == [pytest.approx(row) for row in expected]


def test_corners_of_the_mouth_are_not_known(detector):
    ((face,),) = detector.detect(picture("square")[None])
    assert np.isfinite(face.landmarks[:6]).all()
    assert np.isnan(face.landmarks[6:]).all()
    assert (face.box.dtype, face.landmarks.dtype) == (np.float32, np.float32)


def test_unknown_points_pass_through_an_example(detector):
    ((face,),) = detector.detect(picture("square")[None])
    crop = contract.FaceCrop(
        image=b"jpeg",
        track=0,
        time_s=0.0,
        box=tuple(face.box.tolist()),
        landmarks=tuple(face.landmarks.tolist()),
        score=face.score,
        sharpness=1.0,
        raw_sharpness=60.0,
        usable=True,
    )
    video = contract.VideoExample(
        sha256="0" * 64,
        measurements=contract.Measurements(
            width=192,
            height=192,
            frames_decoded=1,
            fps=25.0,
            duration_s=1.0,
            bit_rate=1.0,
        ),
        faces=(crop,),
        annotation=contract.Annotation(
            video_id="a/b.mp4",
            label=0,
            dataset="a",
            method="real",
            compression="",
            slice_methods=("real",),
            source_group="g",
        ),
    )
    serialized = example_encoding.encode(video)
    (read,) = example_encoding.parse(serialized).faces
    np.testing.assert_array_equal(read.landmarks, crop.landmarks)  # NaN equals NaN here
    assert np.isnan(read.landmarks).sum() == 4
    assert example_encoding.encode(example_encoding.parse(serialized)) == serialized


@pytest.mark.parametrize("factor", [0.5, 4.0])
def test_a_frame_of_another_size_holds_the_same_face(detector, factor):
    frame = picture("wide")
    ((face,),) = detector.detect(frame[None])
    resized = cv2.resize(frame, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    ((other,),) = detector.detect(resized[None])
    np.testing.assert_allclose(other.box / factor, face.box, atol=6)
    np.testing.assert_allclose(other.landmarks[:6] / factor, face.landmarks[:6], atol=6)


def test_a_frame_is_judged_alone_and_always_alike(detector):
    frame = picture("square")
    ((alone,),) = detector.detect(frame[None])
    empty, (beside,) = detector.detect(np.stack([np.zeros_like(frame), frame]))
    assert empty == []
    assert (beside.box.tobytes(), beside.landmarks.tobytes(), beside.score) == (
        alone.box.tobytes(),
        alone.landmarks.tobytes(),
        alone.score,
    )


@pytest.mark.parametrize("size", [(1, 1), (8, 300), (40, 2000), (1, 1200), (1200, 1)])
def test_tiny_and_odd_frames_hold_no_face(detector, size):
    assert detector.detect(np.full((2, *size, 3), 127, np.uint8)) == [[], []]


def test_finds_all_of_several_faces_and_none_where_there_is_none(detector, shared_data):
    def read(name):
        return np.ascontiguousarray(cv2.imread(str(shared_data / "faces" / name))[:, :, ::-1])

    (faces,) = detector.detect(read("multiface.jpg")[None])
    assert len(faces) == 6
    assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)
    assert detector.detect(read("no-faces.jpg")[None]) == [[]]


def test_without_the_package_it_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(
        UsageError,
        match=r"blazeface needs the package mediapipe: install it with `uv pip install --python "
        r"\S+ --no-deps --require-hashes -r requirements-blazeface\.txt`",
    ):
        BlazeFace()


def test_a_release_without_the_model_is_named(monkeypatch, tmp_path):
    metadata = tmp_path / "mediapipe-0.10.21.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.21\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(
        UsageError, match=r"sparse\.tflite: not in the installed mediapipe 0\.10\.21"
    ):
        blazeface.model_hash()
