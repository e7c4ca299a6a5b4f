import cv2
import numpy as np
import pytest
from skimage import data as pictures

from data.contract import CROP_MAX_SIZE
from data.faces import FaceOptions
from data.faces.cropping import (
    crop_face,
    encode_jpeg,
    points_in_crop,
    raw_sharpness,
    sharpness,
    square_around,
)


@pytest.fixture(scope="module")
def image():
    return pictures.astronaut()


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        pytest.param([100, 100, 200, 200], (85, 85, 130), id="square"),
        pytest.param([100, 100, 200, 150], (85, 60, 130), id="wide"),
        pytest.param([0, 0, 10, 20], (-8, -3, 26), id="over the edge"),
        pytest.param([5, 5, 5, 5], (4, 4, 1), id="empty"),
    ],
)
def test_square_is_30_percent_wider_than_the_longer_side(box, expected):
    assert square_around(box) == expected


def test_crop_holds_the_pixels_of_the_frame(image):
    crop = crop_face(image, [100, 100, 200, 200])
    np.testing.assert_array_equal(crop, image[85:215, 85:215])


def test_beyond_the_frame_is_black(image):
    crop = crop_face(image, [-50, 400, 50, 500])
    assert crop.shape == (130, 130, 3)
    assert not crop[:, :65].any()
    assert not crop[512 - 385 :].any()
    np.testing.assert_array_equal(crop[: 512 - 385, 65:], image[385:512, 0:65])


def test_a_box_outside_of_the_frame_gives_black(image):
    assert not crop_face(image, [1000, 1000, 1100, 1100]).any()


def test_large_crops_are_reduced_and_small_ones_never_enlarged(image):
    large = cv2.resize(image, (2048, 2048))
    assert crop_face(large, [500, 500, 1500, 1500]).shape == (CROP_MAX_SIZE, CROP_MAX_SIZE, 3)
    assert crop_face(image, [100, 100, 110, 110]).shape == (13, 13, 3)


@pytest.mark.parametrize(
    "box",
    [
        pytest.param([300, 250, 420, 390], id="as it is"),
        pytest.param([200.4, 100.7, 700.2, 800.9], id="downscaled"),
        pytest.param([-100, -80, 500, 420], id="over the edge"),
    ],
)
def test_points_are_found_in_the_crop(box):
    frame = np.zeros((1000, 1000, 3), np.uint8)
    points = np.array([[350, 300], [400, 330], [320, 380]])
    for index, (x, y) in enumerate(points):
        frame[y - 4 : y + 5, x - 4 : x + 5, index] = 255
    crop = crop_face(frame, box).astype(float)
    rows, columns = np.indices(crop.shape[:2])
    weights = crop / crop.sum((0, 1))
    centres = [
        [(weights[..., i] * columns).sum(), (weights[..., i] * rows).sum()] for i in range(3)
    ]
    np.testing.assert_allclose(points_in_crop(points, box), centres, atol=0.05)


def test_unknown_points_stay_unknown():
    points = points_in_crop([[np.nan, np.nan], [150, 120]], [100, 100, 200, 200])
    np.testing.assert_array_equal(points, [[np.nan, np.nan], [65, 35]])


def test_points_beyond_the_crop_are_unknown():
    # The square has 130 pixels, from 85, 85.
    points = points_in_crop([[84, 120], [85, 214], [120, 215]], [100, 100, 200, 200])
    np.testing.assert_array_equal(points, [[np.nan, np.nan], [0, 129], [np.nan, np.nan]])


def test_jpeg_keeps_colours_in_rgb_order(image):
    crop = crop_face(image, [150, 50, 300, 200])
    decoded = cv2.imdecode(np.frombuffer(encode_jpeg(crop), np.uint8), cv2.IMREAD_COLOR)
    error = decoded[:, :, ::-1].astype(float) - crop
    # Quality 95 keeps natural pictures above 35 dB.
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 35


def test_blur_lowers_sharpness(image):
    assert sharpness(image) > 2 * sharpness(cv2.GaussianBlur(image, (0, 0), 2))
    assert sharpness(np.full((50, 50, 3), 77, np.uint8)) == 0


@pytest.mark.parametrize("size", [50, 90, 128, 182, 384])
def test_one_threshold_parts_clear_faces_of_every_size_from_smears(image, size):
    def at_size(picture):
        crop = crop_face(picture, [180, 60, 300, 200])
        way = cv2.INTER_AREA if size < len(crop) else cv2.INTER_CUBIC
        return cv2.resize(crop, (size, size), interpolation=way)

    threshold = FaceOptions().min_sharpness
    assert sharpness(at_size(image)) > 2 * threshold
    assert sharpness(at_size(cv2.GaussianBlur(image, (0, 0), 6))) < threshold / 2


def test_raw_sharpness_is_that_of_the_crop_as_it_is(image):
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    assert raw_sharpness(image) == pytest.approx(cv2.Laplacian(grey, cv2.CV_64F).var())
    square = image[:128, :128]
    assert sharpness(square) == raw_sharpness(square)
