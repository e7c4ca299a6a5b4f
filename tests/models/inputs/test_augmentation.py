import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy.spatial.distance import pdist
from skimage import data as images

from models.config import AugmentationConfig
from models.inputs.augmentation import augment

PROBABILITIES = (
    "flip",
    *("warp_probability", "colour_probability", "blur_probability", "noise_probability"),
    *("scaling_probability", "jpeg_probability", "cutout_probability"),
)
OFF = dict.fromkeys(PROBABILITIES, 0.0)
FACE = images.astronaut()[80:144, 190:254].astype(np.float32)
LANDMARKS = np.array([[20, 22], [43, 23], [31, 33], [22, 45], [41, 44]], np.float32)
UNKNOWN = np.full((5, 2), np.nan, np.float32)

ALONE = {
    "flip": {"flip": 1},
    "rotation": {"warp_probability": 1, "rotation": 15, "shift": 0, "zoom": 0},
    "shift": {"warp_probability": 1, "rotation": 0, "shift": 0.1, "zoom": 0},
    "zoom": {"warp_probability": 1, "rotation": 0, "shift": 0, "zoom": 0.2},
    "brightness": {"colour_probability": 1, "contrast": 0, "saturation": 0, "colour_shift": 0},
    "contrast": {"colour_probability": 1, "brightness": 0, "saturation": 0, "colour_shift": 0},
    "saturation": {"colour_probability": 1, "brightness": 0, "contrast": 0, "colour_shift": 0},
    "colour_shift": {"colour_probability": 1, "brightness": 0, "contrast": 0, "saturation": 0},
    "blur": {"blur_probability": 1, "blur": 2},
    "noise": {"noise_probability": 1, "noise": 0.05},
    "scaling": {"scaling_probability": 1},
    "jpeg": {"jpeg_probability": 1},
    "cutout": {"cutout_probability": 1},
}
ALL = {**dict.fromkeys(PROBABILITIES, 1.0), "flip": 0.5}


def run(seed=0, *, faces=(FACE, FACE), landmarks=None, **settings):
    config = AugmentationConfig(**{**OFF, **settings})
    landmarks = np.stack([LANDMARKS] * len(faces) if landmarks is None else landmarks)
    changed = augment(
        tf.constant(np.stack(faces)), tf.constant(landmarks), tf.constant([3, seed]), config
    )
    return tuple(value.numpy() for value in changed)


def faces_of(seeds, **settings):
    return np.stack([run(seed, faces=[FACE], **settings)[0][0] for seed in range(seeds)])


ZERO = {
    **dict.fromkeys(("rotation", "shift", "zoom", "brightness", "contrast", "saturation"), 0),
    **dict.fromkeys(("colour_shift", "blur", "noise", "scaling", "cutout"), 0),
    "jpeg_min_quality": 100,
}


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="no probabilities"),
        pytest.param({**ALL, "flip": 0, **ZERO}, id="no strengths"),
    ],
)
def test_off_changes_nothing(settings):
    for seed in range(5):
        faces, landmarks = run(seed, **settings)
        np.testing.assert_array_equal(faces, [FACE, FACE])
        np.testing.assert_allclose(landmarks, [LANDMARKS, LANDMARKS], atol=1e-4)


@pytest.mark.parametrize("settings", ALONE.values(), ids=ALONE)
def test_each_operation_changes_all_images_alike_and_within_range(settings):
    seen = set()
    for seed in range(5):
        (first, second, third), landmarks = run(seed, faces=[FACE] * 3, **settings)
        if "noise" not in settings:
            np.testing.assert_array_equal(first, second)
            np.testing.assert_array_equal(first, third)
        np.testing.assert_array_equal(landmarks[0], landmarks[2])
        assert np.abs(first - FACE).mean() > 1e-3
        assert first.min() >= 0
        assert first.max() <= 255
        seen.add(first.tobytes())
    assert len(seen) > 2 or "flip" in settings


def test_draws_of_an_operation_are_independent_of_the_others():
    for seed in range(5):
        warped, landmarks = run(seed, flip=0.5, warp_probability=1)
        np.testing.assert_array_equal(landmarks, run(seed, **ALL)[1])
        # Later operations, with parameters that change nothing.
        later = {key: 0 for key in ZERO if key not in ("rotation", "shift", "zoom")}
        later["jpeg_min_quality"] = 100
        np.testing.assert_array_equal(warped, run(seed, **{**ALL, **later})[0])


def test_the_seed_decides_also_in_a_parallel_map():
    config = AugmentationConfig(**ALL)
    pair, landmarks = tf.constant(np.stack([FACE, FACE])), tf.constant(np.stack([LANDMARKS] * 2))

    def change(number):
        return augment(pair, landmarks, tf.stack([3, number]), config)[0]

    numbers = tf.data.Dataset.range(30, output_type=tf.int32)
    runs = [
        np.stack(list(numbers.map(change, num_parallel_calls=calls).as_numpy_iterator()))
        for calls in (1, 4, 4)
    ]
    np.testing.assert_array_equal(runs[0], runs[1])
    np.testing.assert_array_equal(runs[0], runs[2])
    assert len({pair.tobytes() for pair in runs[0]}) == 30
    np.testing.assert_array_equal(runs[0][7], run(7, **ALL)[0])


def test_the_number_of_images_may_be_dynamic():
    @tf.function(input_signature=[tf.TensorSpec([None, 64, 64, 3]), tf.TensorSpec([None, 5, 2])])
    def change(faces, landmarks):
        return augment(faces, landmarks, tf.constant([3, 7]), AugmentationConfig(**ALL))

    for count in (1, 3):
        faces, _ = change(np.stack([FACE] * count), np.stack([LANDMARKS] * count))
        expected, _ = run(7, faces=[FACE] * count, **ALL)
        assert np.abs(faces.numpy() - expected).mean() < 1.0


def test_flip_has_its_probability_and_keeps_the_subjects_sides():
    flipped = 0
    for seed in range(60):
        (face, _), (landmarks, _) = run(seed, flip=0.3)
        if not np.array_equal(face, FACE):
            flipped += 1
            np.testing.assert_array_equal(face, FACE[:, ::-1])
            # The subject's right eye was on the left at x = 20, and the other one at 43.
            np.testing.assert_allclose(
                landmarks, [[20, 23], [43, 22], [32, 33], [22, 44], [41, 45]], atol=1e-4
            )
    assert 8 <= flipped <= 30


@pytest.mark.parametrize("name", ["flip", "rotation", "shift", "zoom", "together"])
def test_landmarks_follow_the_image(name):
    settings = ALONE.get(name, {"flip": 0.5, "warp_probability": 1})
    marked = np.zeros((5, 64, 64, 3), np.float32)
    for image, (x, y) in zip(marked, LANDMARKS.astype(int), strict=True):
        image[y - 1 : y + 2, x - 1 : x + 2] = 255.0
    rows, columns = np.indices((64, 64))
    mirrored = set()
    for seed in range(8):
        moved, landmarks = run(seed, faces=marked, landmarks=[LANDMARKS] * 5, **settings)
        weights = moved[..., 0] / moved[..., 0].sum((1, 2), keepdims=True)
        centres = np.stack([(weights * columns).sum((1, 2)), (weights * rows).sum((1, 2))], -1)
        # In a mirrored image the subject's right eye is where the left one was.
        swapped = np.abs(centres[[1, 0, 2, 4, 3]] - landmarks[0]).max() < 0.1
        assert swapped or np.abs(centres - landmarks[0]).max() < 0.1
        mirrored.add(swapped)
        stretch = pdist(centres) / pdist(LANDMARKS)
        np.testing.assert_allclose(stretch, stretch.mean(), rtol=0.02)  # it keeps its shape
    assert mirrored == {"flip": {True}, "together": {True, False}}.get(name, {False})


def test_warps_keep_within_their_bounds():
    angles, shifts, zooms = [], [], []
    for seed in range(40):
        eyes = run(seed, **ALONE["rotation"])[1][0][:2]
        x, y = eyes[1] - eyes[0]
        angles.append(np.degrees(np.arctan2(y, x) - np.arctan2(1, 23)))
        shifts.extend((run(seed, **ALONE["shift"])[1][0][0] - LANDMARKS[0]) / 64)
        eyes = run(seed, **ALONE["zoom"])[1][0][:2]
        zooms.append(np.linalg.norm(eyes[1] - eyes[0]) / np.hypot(1, 23))
    for values, bounds in ((angles, (-15, 15)), (shifts, (-0.1, 0.1)), (zooms, (0.8, 1.2))):
        low, high = min(values), max(values)
        width = bounds[1] - bounds[0]
        assert bounds[0] - 1e-3 <= low < bounds[0] + 0.15 * width
        assert bounds[1] - 0.15 * width < high <= bounds[1] + 1e-3


def test_a_warp_fills_the_border_by_reflection():
    light = np.maximum(FACE, 90.0)
    for seed in range(10):
        moved, _ = run(seed, faces=[light], warp_probability=1, zoom=0.5, shift=0.3)
        assert moved.min() > 89.0


def test_colour_operations_do_what_their_names_say():
    grey = np.full((32, 32, 3), 100.0, np.float32)
    red = grey + np.array([50.0, 0.0, 0.0], np.float32)

    def colour(name, face, seed):
        changed, _ = run(seed, faces=[face], **ALONE[name])
        assert np.ptp(changed[0], axis=(0, 1)).max() < 1e-3
        return changed[0, 0, 0]

    for seed in range(10):
        brighter = colour("brightness", red, seed) - red[0, 0]
        assert np.ptp(brighter) < 1e-3
        assert abs(brighter[0]) <= 51.0
        contrast = (colour("contrast", red, seed) - 127.5) / (red[0, 0] - 127.5)
        assert np.ptp(contrast) < 1e-4
        assert 0.8 <= contrast[0] <= 1.2
        np.testing.assert_allclose(colour("saturation", grey, seed), grey[0, 0], rtol=1e-4)
        saturation = np.ptp(colour("saturation", red, seed)) / 50.0
        assert 0.85 <= saturation <= 1.15
        shift = colour("colour_shift", grey, seed) - grey[0, 0]
        assert np.ptp(shift) > 0.1
        assert np.abs(shift).max() <= 0.08 * 255


def test_blur_and_scaling_remove_detail():
    def detail(faces):
        return np.abs(np.diff(faces, axis=-2)).mean((-3, -2, -1))

    for name in ("blur", "scaling"):
        changed = faces_of(8, **ALONE[name])
        assert (detail(changed) < detail(FACE)).all()
        # Neither moves nor shades the image.
        shade = np.tile(FACE.mean((0, 1)), (8, 1))
        np.testing.assert_allclose(changed.mean((1, 2)), shade, atol=1.5)
        assert np.abs(changed - FACE).mean() < 10


def test_blur_is_a_gaussian_of_at_most_the_deviation():
    dot = np.zeros((33, 33, 3), np.float32)
    dot[16, 16] = 255.0
    deviations = []
    for seed in range(20):
        blurred, _ = run(seed, faces=[dot], **ALONE["blur"])
        column = blurred[0, :, :, 1].sum(axis=1)
        offset = np.arange(33) - 16
        np.testing.assert_allclose(column.sum(), 255.0, rtol=1e-3)
        deviations.append(np.sqrt((column * offset**2).sum() / column.sum()))
    assert max(deviations) <= 2.0
    assert max(deviations) > 1.5


def test_noise_has_one_strength_and_differs_between_frames():
    grey = np.full((64, 64, 3), 128.0, np.float32)
    deviations = []
    for seed in range(10):
        (first, second), _ = run(seed, faces=[grey, grey], **ALONE["noise"])
        deviations.append((first - grey).std())
        assert deviations[-1] == pytest.approx((second - grey).std(), rel=0.05)
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.05
    assert max(deviations) <= 0.05 * 255 * 1.03
    assert max(deviations) > 0.03 * 255


def test_jpeg_is_what_a_jpeg_library_makes_of_the_image():
    def by_pillow(quality):
        file = io.BytesIO()
        Image.fromarray(FACE.astype(np.uint8)).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file), np.float32)

    candidates = np.stack([by_pillow(quality) for quality in range(40, 101)])
    qualities = []
    for face in faces_of(10, **ALONE["jpeg"]):
        # keras_cv's own layer saturates 0-255 input; this guards against the same.
        errors = np.abs(candidates - face).mean((1, 2, 3))
        assert errors.min() < 0.5
        qualities.append(40 + int(errors.argmin()))
    assert max(qualities) - min(qualities) > 20


def test_cutout_covers_a_part_of_the_face():
    parts = {"eyes": [0, 1], "nose": [2], "mouth": [3, 4]}
    seen = set()
    for seed in range(30):
        (face, _), (landmarks, _) = run(seed, flip=0.5, warp_probability=1, cutout_probability=1)
        uncut, _ = run(seed, flip=0.5, warp_probability=1)
        is_cut = (face == 0).all(-1) & (uncut[0] != 0).any(-1)
        np.testing.assert_array_equal(face[~is_cut], uncut[0][~is_cut])
        x, y = np.round(landmarks).astype(int).T
        covered = {point for point in range(5) if (face[y[point], x[point]] == 0).all()}
        seen |= {name for name, points in parts.items() if covered.issuperset(points)}
        assert 50 < is_cut.sum() < 0.3 * 64 * 64
    assert seen == set(parts)


def test_cutout_skips_images_with_unknown_points():
    mouthless = np.concatenate([LANDMARKS[:3], UNKNOWN[:2]])
    for seed in range(6):
        changed, _ = run(seed, landmarks=[UNKNOWN, UNKNOWN], cutout_probability=1)
        np.testing.assert_array_equal(changed, [FACE, FACE])
        # A patch in one image alone would tell it from the other.
        changed, _ = run(seed, landmarks=[LANDMARKS, UNKNOWN], cutout_probability=1)
        np.testing.assert_array_equal(changed, [FACE, FACE])
    # BlazeFace finds no corners of the mouth, but eyes and nose are covered nevertheless.
    known = {"landmarks": [mouthless] * 2, "cutout_probability": 1}
    unchanged = [np.array_equal(run(seed, **known)[0][0], FACE) for seed in range(20)]
    assert 2 <= sum(unchanged) <= 12


def test_unknown_landmarks_stay_unknown():
    _, landmarks = run(landmarks=[UNKNOWN, LANDMARKS], flip=1, warp_probability=1)
    assert np.isnan(landmarks[0]).all()
    assert np.isfinite(landmarks[1]).all()
