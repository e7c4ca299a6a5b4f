"""The graph finds the faces that the mtcnn package finds, and the published one."""

import cv2
import numpy as np
import pytest

from data.detectors.boxes import intersection_over_union
from data.detectors.mtcnn import HALVE_ABOVE, Mtcnn, MtcnnGraph

IVAN = np.array([[277, 90, 277 + 48, 90 + 63]], np.float32)  # ipazc/mtcnn, README


@pytest.fixture(scope="module")
def detector():
    return Mtcnn()


def read(path):
    return np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1])


def boxes(faces):
    return np.array([face.box for face in faces], np.float32).reshape(-1, 4)


def test_finds_the_published_face(detector, shared_data):
    (faces,) = detector.detect(read(shared_data / "faces/ivan.jpg")[None])
    assert len(faces) == 1
    assert faces[0].score > 0.9
    assert intersection_over_union(boxes(faces), IVAN) > 0.85


def test_landmarks_lie_in_the_order_of_the_contract(detector, shared_data):
    ((face,),) = detector.detect(read(shared_data / "faces/ivan.jpg")[None])
    right_eye, left_eye, nose, mouth_right, mouth_left = face.landmarks.reshape(5, 2)
    # A face that looks at the camera has its right side on the picture's left.
    assert right_eye[0] < nose[0] < left_eye[0]
    assert mouth_right[0] < mouth_left[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(mouth_right[1], mouth_left[1])


def test_finds_all_of_several_faces_and_none_where_there_is_none(detector, shared_data):
    (faces,) = detector.detect(read(shared_data / "faces/multiface.jpg")[None])
    assert len(faces) == 6
    (faces,) = detector.detect(read(shared_data / "faces/no-faces.jpg")[None])
    assert faces == []


def test_agrees_with_the_package_at_the_same_resolution(detector, shared_data):
    from mtcnn import MTCNN

    image = cv2.resize(read(shared_data / "faces/multiface.jpg"), (960, 504))
    assert max(image.shape) < HALVE_ABOVE
    (ours,) = detector.detect(image[None])
    theirs = [
        [x, y, x + width, y + height]
        for x, y, width, height in (
            face["box"]
            for face in MTCNN().detect_faces(image, min_face_size=20)
            if face["confidence"] >= 0.95
        )
    ]
    overlap = intersection_over_union(np.array(theirs, np.float32), boxes(ours))
    assert len(ours) == len(theirs)
    assert overlap.max(axis=1).mean() > 0.9


def test_large_frames_are_searched_at_half_resolution(detector, shared_data):
    image = read(shared_data / "faces/ivan.jpg")
    large = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    assert max(image.shape) < HALVE_ABOVE < max(large.shape)
    (small_faces,) = detector.detect(image[None])
    (large_faces,) = detector.detect(large[None])
    assert intersection_over_union(2 * boxes(small_faces), boxes(large_faces)) > 0.9


def test_a_frame_is_judged_alone(detector, shared_data):
    image = read(shared_data / "faces/ivan.jpg")
    ((alone,),) = detector.detect(image[None])
    empty, (beside,), _ = detector.detect(
        np.stack([np.zeros_like(image), image, np.full_like(image, 255)])
    )
    assert empty == []
    np.testing.assert_allclose(beside.box, alone.box, atol=1e-3)


def crowd():
    """Seventy faces of about 40 pixels, and in front of them three of 85 to 105."""
    from skimage import data

    portrait = data.astronaut()[40:220, 140:320]
    noise = np.random.default_rng(0)
    frame = np.zeros((600, 990, 3), np.uint8)
    for row in range(7):
        for column in range(10):
            head = cv2.resize(portrait, (84, 84), interpolation=cv2.INTER_AREA)
            head = np.clip(head + noise.normal(0, 6, head.shape), 0, 255)
            frame[85 * row : 85 * row + 84, 99 * column : 99 * column + 84] = head
    centres = []
    for left, side in ((60, 180), (400, 200), (720, 220)):
        head = cv2.resize(portrait, (side, side), interpolation=cv2.INTER_AREA)
        frame[200 : 200 + side, left : left + side] = head
        centres.append((left + side * 0.46, 200 + side * 0.42))
    return frame, centres


@pytest.mark.slow
def test_in_a_crowd_the_faces_in_front_come_first():
    frame, centres = crowd()
    boxes, _, _ = MtcnnGraph(max_faces=3)(frame[None])
    found = sorted(((box[:2] + box[2:]) / 2).tolist() for box in boxes[0].numpy())
    np.testing.assert_allclose(found, centres, atol=25)


@pytest.mark.slow
def test_as_many_faces_as_configured_are_found():
    frame, _ = crowd()
    _, _, scores = MtcnnGraph(max_faces=100)(frame[None])
    assert np.isfinite(scores).sum() > 50


@pytest.mark.parametrize("size", [(1, 1), (8, 300), (12, 12), (40, 2000), (1, 1200), (1200, 1)])
def test_tiny_and_odd_frames_hold_no_face(detector, size):
    assert detector.detect(np.full((2, *size, 3), 127, np.uint8)) == [[], []]


def test_graph_pads_with_nan(shared_data):
    graph = MtcnnGraph(max_faces=3)
    frames = read(shared_data / "faces/ivan.jpg")[None]
    boxes, landmarks, scores = (output.numpy() for output in graph(frames))
    assert boxes.shape == (1, 3, 4)
    assert landmarks.shape == (1, 3, 10)
    assert np.isfinite(boxes[0, 0]).all()
    assert np.isnan(boxes[0, 1:]).all()
    assert np.isnan(landmarks[0, 1:]).all()
    assert np.isnan(scores[0, 1:]).all()
