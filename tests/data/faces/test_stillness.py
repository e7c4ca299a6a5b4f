"""What is reported as perhaps a picture."""

import numpy as np
import pytest

from data.contract import Measurements
from data.detectors import Face
from data.faces import stillness
from data.faces.collector import FaceCollector
from data.faces.types import FaceOptions
from data.video.reader import Frame

NOISE = np.random.default_rng(0).integers(0, 256, (2, 60, 60, 3), np.uint8)
NOISE = (NOISE * np.array([[1, 0.2, 0.2], [0.2, 0.2, 1]])[:, None, None]).astype(np.uint8)
OPTIONS = FaceOptions(min_face_size=10, min_track_share=0.0)


def watch(frames, *, step, drift=0.0, changes=False):
    """A red face that stays, or drifts, beside a blue one that goes to the right."""
    collector = FaceCollector(OPTIONS)
    for number in range(frames):
        image = np.zeros((80, 320, 3), np.uint8)
        x = 120 + step * number
        image[10:70, 10:70], image[10:70, x : x + 60] = NOISE
        if changes and number % 2:
            image[40:70, 10:70] = 200
        left = 16 + drift * number
        boxes = [(left, 16, left + 48, 64), (x + 6, 16, x + 54, 64)]
        faces = [Face(np.array(box, np.float32), np.zeros(10, np.float32), 0.99) for box in boxes]
        collector.add(Frame(number / 8, image), faces)
    size = frames
    outcome = collector.result(Measurements(320, 80, size, 8.0, size / 8, 1000.0, size, size))
    left = {face.track: face.box[0] < 100 for face in outcome.faces}
    return {left[rank]: still for rank, still in enumerate(outcome.perhaps_picture)}


@pytest.mark.parametrize(
    ("scene", "picture"),
    [
        pytest.param({"frames": 10, "step": 4}, True, id="still while another moves"),
        pytest.param({"frames": 10, "step": 0}, False, id="nobody moves"),
        pytest.param({"frames": 7, "step": 4}, False, id="too few sightings"),
        pytest.param({"frames": 10, "step": 4, "drift": 0.5}, False, id="it drifts"),
    ],
)
def test_a_face_that_never_moves_is_perhaps_a_picture(scene, picture):
    assert watch(**scene) == {True: picture, False: False}


def test_a_face_that_changes_is_no_picture():
    boxes = [[10, 10, 110, 110]] * 8
    apart = np.array([[0.0, 0.0], [0.0, 0.2]])
    assert stillness.is_still(boxes, apart / 2)
    assert not stillness.is_still(boxes, apart)
