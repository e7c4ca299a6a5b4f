import numpy as np
import pytest
import tensorflow as tf
from skimage import data as pictures

from models.augmentation import augment
from models.config import AugmentationConfig

OFF = {"flip": False, "shift": 0, "brightness": 0, "contrast": 0, "jpeg_min_quality": 100}
FACE = pictures.astronaut()[40:104, 180:244].astype(np.float32)


def run(seed, other=FACE, **strengths):
    pair = tf.constant(np.stack([FACE, other]))
    config = AugmentationConfig(**{**OFF, **strengths})
    return augment(pair, tf.constant([3, seed], tf.int64), config).numpy()


def test_off_changes_nothing():
    np.testing.assert_array_equal(run(0), np.stack([FACE, FACE]))


@pytest.mark.parametrize(
    "strengths",
    [
        {"flip": True},
        {"shift": 6},
        {"brightness": 0.2},
        {"contrast": 0.3},
        {"jpeg_min_quality": 40},
        {"flip": True, "shift": 6, "brightness": 0.2, "contrast": 0.3, "jpeg_min_quality": 40},
    ],
    ids=["flip", "shift", "brightness", "contrast", "jpeg", "all"],
)
def test_changes_both_alike_by_the_seed_and_within_range(strengths):
    results = [run(seed, **strengths) for seed in range(12)]
    for seed, (real, fake) in enumerate(results):
        np.testing.assert_array_equal(real, fake)
        np.testing.assert_array_equal(real, run(seed, **strengths)[0])
        assert real.min() >= 0
        assert real.max() <= 255
    assert len({real.tobytes() for real, _ in results}) > 1


def test_flip_mirrors_half_of_the_pairs():
    flipped = [np.array_equal(run(seed, flip=True)[0], FACE[:, ::-1]) for seed in range(40)]
    assert 10 <= sum(flipped) <= 30


def test_shift_moves_by_whole_pixels_and_mirrors_the_border():
    for seed in range(10):
        shifted = run(seed, shift=2)[0]
        found = [
            (dy, dx)
            for dy in range(-2, 3)
            for dx in range(-2, 3)
            if np.array_equal(shifted[4:-4, 4:-4], FACE[4 + dy : 60 + dy, 4 + dx : 60 + dx])
        ]
        assert len(found) == 1


def test_brightness_adds_the_same_to_every_pixel():
    grey = np.full_like(FACE, 100.0)
    changes = [run(seed, grey, brightness=0.2)[1] - grey for seed in range(10)]
    assert all(np.ptp(change) < 1e-4 for change in changes)
    assert 10 < max(abs(change.mean()) for change in changes) <= 51


def test_recompression_leaves_the_picture_recognisable():
    # keras_cv's own layer saturates 0-255 input; this guards against the same.
    changed = run(1, jpeg_min_quality=50)[0]
    assert 0 < np.abs(changed - FACE).mean() < 8
