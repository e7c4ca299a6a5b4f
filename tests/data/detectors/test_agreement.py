"""Every detector against the mtcnn package, on real pictures and on frames of real clips."""

import cv2
import numpy as np
import pytest

from data.detectors import registry
from data.detectors.boxes import intersection_over_union
from data.video.reader import Video

pytestmark = pytest.mark.slow

IVAN = np.array([[277, 90, 277 + 48, 90 + 63]], np.float32)  # ipazc/mtcnn, README

# x, y, width, height that mtcnn 1.0.0 gives for `detect_faces(picture, min_face_size=20)` at a
# confidence of 0.9 or more: written down, since it takes seconds a frame. For a clip the frames
# are those of `Video.sample(2)`.
EXPECTED = {
    "faces/no-faces.jpg": [[]],
    "faces/ivan.jpg": [[(278, 89, 49, 67)]],
    "faces/multiface.jpg": [
        [
            (418, 132, 82, 109), (862, 436, 89, 121), (555, 49, 76, 106),
            (621, 194, 74, 103), (725, 470, 69, 102), (229, 250, 75, 104),
        ],
    ],
    "dfdc/**/brtujopkby.mp4": [[(618, 606, 98, 146)], [(633, 623, 101, 149)]],
    "dfdc/**/lynaeydofd.mp4": [[(863, 248, 177, 219)], [(841, 253, 185, 235)]],
    "ffpp/**/004.mp4": [[(721, 132, 129, 171)], [(695, 112, 130, 174)]],
    "ffpp/**/004_982.mp4": [[(720, 135, 127, 165)], [(699, 119, 122, 163)]],
    "ffpp/**/519.mp4": [[(393, 86, 67, 95)], [(369, 95, 71, 101)]],
    "ffpp/**/519_515.mp4": [[(388, 84, 73, 95)], [(363, 92, 75, 102)]],
    "ffpp/**/634.mp4": [[(540, 100, 182, 240)], [(608, 118, 178, 252)]],
    "ffpp/**/634_660.mp4": [[(545, 95, 175, 243)], [(614, 108, 177, 258)]],
}  # fmt: skip


@pytest.fixture(scope="module")
def pictures(shared_data):
    """Pattern -> the pictures, uint8 [height, width, 3], of the file that it matches."""
    images = {}
    for pattern in EXPECTED:
        (path,) = shared_data.glob(pattern)
        if path.suffix == ".jpg":
            images[pattern] = [np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1])]
        else:
            images[pattern] = [frame.image for frame in Video(str(path)).sample(2)]
    return images


def boxes(faces):
    return np.array([face.box for face in faces], np.float32).reshape(-1, 4)


@pytest.mark.parametrize(
    ("name", "mean", "least"),
    [
        pytest.param("mtcnn", 0.85, 0.8, id="mtcnn"),
        # Its boxes are square: looser by construction.
        pytest.param("blazeface", 0.70, 0.55, id="blazeface"),
    ],
)
def test_finds_the_packages_faces(name, mean, least, pictures):
    detector = registry.create_detector(name)
    overlaps = []
    for pattern, expected in EXPECTED.items():
        for picture, theirs in zip(pictures[pattern], expected, strict=True):
            (faces,) = detector.detect(picture[None])
            assert len(faces) == len(theirs), pattern
            corners = [[x, y, x + width, y + height] for x, y, width, height in theirs]
            if corners:
                table = intersection_over_union(np.array(corners, np.float32), boxes(faces))
                overlaps += table.max(axis=1).tolist()
    assert len(overlaps) == 1 + 6 + 16
    assert np.mean(overlaps) >= mean
    assert min(overlaps) >= least


@pytest.mark.parametrize(("name", "least"), [("mtcnn", 0.85), ("blazeface", 0.70)])
def test_finds_the_published_face(name, least, pictures):
    (faces,) = registry.create_detector(name).detect(pictures["faces/ivan.jpg"][0][None])
    assert len(faces) == 1
    assert intersection_over_union(boxes(faces), IVAN) >= least


@pytest.mark.parametrize("name", ["mtcnn", "blazeface"])
def test_points_lie_in_the_order_of_the_contract(name, pictures):
    ((face,),) = registry.create_detector(name).detect(pictures["faces/ivan.jpg"][0][None])
    right_eye, left_eye, nose, mouth_right, mouth_left = face.landmarks.reshape(5, 2)
    # A face that looks at the camera has its right side on the picture's left.
    assert right_eye[0] < nose[0] < left_eye[0]
    assert max(right_eye[1], left_eye[1]) < nose[1]
    if name == "mtcnn":
        assert mouth_right[0] < mouth_left[0]
        assert nose[1] < min(mouth_right[1], mouth_left[1])
