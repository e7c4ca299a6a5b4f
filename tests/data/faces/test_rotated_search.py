"""Where faces of a turned frame are in the frame as it is."""

import numpy as np
import pytest

from data.detectors import Face
from data.faces.rotated_search import find_faces

HEIGHT, WIDTH = 60, 100


class BrightSpot:
    """Finds the white rectangle of a frame whose red half is on top."""

    def __init__(self):
        self.calls = 0

    def detect(self, frames):
        self.calls += 1
        (frame,) = frames
        rows, columns = np.nonzero((frame == 255).all(axis=-1))
        red = np.nonzero((frame == (200, 0, 0)).all(axis=-1))[0]
        if not len(rows) or red.mean() >= rows.mean():
            return [[]]
        box = np.array([columns.min(), rows.min(), columns.max(), rows.max()], np.float32)
        return [[Face(box, np.tile(box[:2], 5), 0.99)]]


def frame(turns):
    """A white rectangle with red above it, turned clockwise by quarters."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[10:30, 40:50] = 255
    image[5:10, 40:50] = (200, 0, 0)
    return np.rot90(image, -turns)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_boxes_and_landmarks_are_those_of_the_frame_as_it_is(turns):
    image = frame(turns)
    (face,) = find_faces(BrightSpot(), image, rotated=True)
    rows, columns = np.nonzero((image == 255).all(axis=-1))
    assert face.box.tolist() == [columns.min(), rows.min(), columns.max(), rows.max()]
    assert face.quarter_turns == turns
    # The first point was the upper left corner of the face set upright.
    corner = {
        1: (columns.max(), rows.min()),
        2: (columns.max(), rows.max()),
        3: (columns.min(), rows.max()),
    }
    assert tuple(face.landmarks[:2]) == corner[turns]


def test_upright_faces_are_searched_for_once():
    detector = BrightSpot()
    (face,) = find_faces(detector, frame(0), rotated=True)
    assert (face.quarter_turns, detector.calls) == (0, 1)


def test_nothing_is_turned_unless_asked_for():
    detector = BrightSpot()
    assert find_faces(detector, frame(1), rotated=False) == []
    assert detector.calls == 1
    assert find_faces(detector, np.zeros((HEIGHT, WIDTH, 3), np.uint8), rotated=True) == []
    assert detector.calls == 5
