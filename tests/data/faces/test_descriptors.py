"""What a face looks like, in numbers: alike for one person, unlike for others."""

import cv2
import numpy as np
import pytest
from skimage import data as skimage_data

from data.faces.descriptors import face_descriptor
from data.faces.tracking import MAX_COST


@pytest.fixture(scope="module")
def face():
    """scikit-image's astronaut: MTCNN's box, 83 x 107 pixels, with the margin of a crop."""
    return np.ascontiguousarray(skimage_data.astronaut()[48:187, 154:293])


@pytest.mark.parametrize("side", [1, 2, 5, 30, 139, 384])
def test_any_crop_has_a_description(face, side):
    description = face_descriptor(np.resize(face, (side, side, 3)))
    assert (description.shape, description.dtype) == ((228,), np.float32)
    assert np.isfinite(description).all()


def distance(first, second):
    return float(np.linalg.norm(face_descriptor(first) - face_descriptor(second)))


def noisy(face):
    noise = np.random.default_rng(0).normal(0, 2, face.shape)
    return np.clip(face + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("change", "least", "most"),
    [
        pytest.param(lambda face: face, 0, 0, id="itself"),
        pytest.param(lambda face: face[4:-4, 4:-4], 0, 0.3, id="a closer crop"),
        pytest.param(lambda face: np.roll(face, 5, axis=1), 0, 0.3, id="a shifted crop"),
        pytest.param(lambda face: (face * 0.93).astype(np.uint8), 0, 0.3, id="a little darker"),
        pytest.param(noisy, 0, 0.3, id="with noise"),
        pytest.param(lambda face: face // 2, MAX_COST, 2, id="half as bright"),
        pytest.param(lambda face: np.flip(face, axis=0), MAX_COST, 2, id="upside down"),
        pytest.param(lambda face: np.flip(face, axis=2), MAX_COST, 2, id="of other colours"),
    ],
)
def test_descriptions_follow_the_face(face, change, least, most):
    assert least <= distance(face, np.ascontiguousarray(change(face))) <= most


def test_noise_on_a_blurred_face_draws_no_patterns(face):
    blurred = cv2.GaussianBlur(face, (0, 0), 6)
    assert distance(blurred, noisy(blurred)) < 0.1


def test_colours_beside_the_cheeks_do_not_count(face):
    other = face.copy()
    other[:, :24], other[:, -24:] = (0, 0, 255), (0, 255, 0)
    colors = slice(12 * 16, None)
    difference = face_descriptor(face)[colors] - face_descriptor(other)[colors]
    assert np.linalg.norm(difference) < 0.05


def test_what_surrounds_the_box_does_not_count(face):
    other = np.full_like(face, 255)
    inner = slice(16, -16)
    other[inner, inner] = face[inner, inner]
    assert distance(face, other) < 0.01
