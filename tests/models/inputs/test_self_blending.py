import cv2
import numpy as np
import pytest
from skimage import data as images

from data.synthetic.identities import ASTRONAUT_OUTLINE
from data.synthetic.styles import draw_style
from models.inputs import self_blending
from models.inputs.self_blending import (
    BLENDING_RATIOS,
    STYLE_BOUNDS,
    draw_mask,
    face_outline,
    self_blend,
)

LEFT, TOP = 145, 32
CROP = images.astronaut()[TOP : TOP + 170, LEFT : LEFT + 170]
# Placed by hand in the portrait: eyes, nose, corners of the mouth.
LANDMARKS = np.array([(57, 76), (97, 73), (82, 98), (64, 122), (98, 119)], np.float32)


def test_the_outline_lies_about_the_face():
    by_hand = np.array(ASTRONAUT_OUTLINE, np.float32) - (LEFT, TOP)

    def filled(points):
        area = np.zeros(CROP.shape[:2], np.uint8)
        cv2.fillConvexPoly(area, cv2.convexHull(np.round(points).astype(np.int32)), 1)
        return area.astype(bool)

    face = filled(face_outline(LANDMARKS, with_forehead=False))
    assert (face & filled(by_hand)).sum() / (face | filled(by_hand)).sum() > 0.75
    whole = filled(face_outline(LANDMARKS, with_forehead=True))
    assert whole[face].all()
    # The canon of thirds: from brows to chin are two, and the forehead is one more.
    assert 1.3 < whole.sum() / face.sum() < 1.7


@pytest.mark.parametrize("with_forehead", [False, True])
def test_the_outline_moves_turns_and_grows_with_the_landmarks(with_forehead):
    outline = face_outline(LANDMARKS, with_forehead=with_forehead)
    turn = np.array([[1.2, 0.5], [-0.5, 1.2]], np.float32)
    moved = face_outline(LANDMARKS @ turn + np.float32([7, -3]), with_forehead=with_forehead)
    np.testing.assert_allclose(moved, outline @ turn + (7, -3), atol=1e-3)


def test_masks_lie_within_the_face_and_are_soft():
    outline = face_outline(LANDMARKS, with_forehead=True)
    hull = np.zeros((170, 170), np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.round(outline).astype(np.int32)), 1)
    near = cv2.dilate(hull, np.ones((21, 21), np.uint8)).astype(bool)
    ratios = set()
    masks = [draw_mask(np.random.default_rng(seed), outline, (170, 170)) for seed in range(40)]
    for mask in masks:
        assert mask.dtype == np.float32
        assert mask.min() >= 0
        assert not mask[~near].any()
        ratios.add(round(float(mask.max()), 2))
        assert np.abs(np.diff(mask, axis=0)).max() < 0.5  # no step
        assert 0.3 < (mask > mask.max() / 2).sum() / hull.sum() < 1.05
    assert ratios == set(BLENDING_RATIOS)
    # Deformed, so that even masks of one ratio differ.
    assert len({mask.tobytes() for mask in masks}) == 40


def test_styles_are_drawn_as_by_the_authors():
    rng = np.random.default_rng(0)
    styles = [draw_style(rng, STYLE_BOUNDS) for _ in range(400)]
    # RGBShift of p=0.3, and RandomDownScale, of one of two factors by nearest neighbours.
    assert 0.2 < np.mean([style.colour_shift != (0.0, 0.0, 0.0) for style in styles]) < 0.4
    assert {style.downscale for style in styles} == {1.0, 2.0, 4.0}
    assert all(style.drops_pixels for style in styles)


def test_masks_are_deformed(monkeypatch):
    outline = face_outline(LANDMARKS, with_forehead=True)
    monkeypatch.setattr(self_blending, "_MASK_SIDES", (256, 256))
    monkeypatch.setattr(self_blending, "_BLUR_SIDES", (5, 5))
    monkeypatch.setattr(self_blending, "_BLUR_DEVIATIONS", (5.0, 5.0))
    halves = [
        (mask > mask.max() / 2).astype(int)
        for mask in (draw_mask(np.random.default_rng(seed), outline, (170, 170)) for seed in (1, 2))
    ]
    # Only their borders differ, by about a pixel; they are some 400 pixels long.
    assert 50 < np.abs(halves[0] - halves[1]).sum() < 1000


def test_a_fake_differs_from_its_real_only_inside_the_face():
    outline = face_outline(LANDMARKS, with_forehead=True)
    hull = np.zeros(CROP.shape[:2], np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.round(outline).astype(np.int32)), 1)
    near = cv2.dilate(hull, np.ones((25, 25), np.uint8)).astype(bool)
    is_styled = []
    for seed in range(20):
        real, fake = self_blend(CROP, LANDMARKS, [seed])
        assert real.shape == fake.shape == CROP.shape
        assert real.dtype == fake.dtype == np.uint8
        np.testing.assert_array_equal(real[~near], fake[~near])
        assert np.abs(real.astype(int) - fake)[hull.astype(bool)].mean() > 0.5
        is_styled.append(not np.array_equal(real, CROP))
    # The surroundings change as often as the face.
    assert 4 <= sum(is_styled) <= 16


def test_the_seed_decides():
    first, second, other = (self_blend(CROP, LANDMARKS, seed) for seed in ([3, 1], [3, 1], [3, 2]))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first[1], other[1])


def test_the_crop_itself_is_not_changed():
    crop = CROP.copy()
    for seed in range(4):
        self_blend(crop, LANDMARKS, [seed])
    np.testing.assert_array_equal(crop, CROP)


def test_parts_of_a_face_beyond_its_crop_are_cut_off():
    left, top = 50, 65
    crop, landmarks = CROP[top:, left:], LANDMARKS - (left, top)
    assert landmarks.min() > 0
    outline = face_outline(landmarks, with_forehead=False)
    assert (outline.min(axis=0) < -5).all()
    hull = np.zeros(crop.shape[:2], np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.round(outline).astype(np.int32)), 1)
    for seed in range(10):
        mask = draw_mask(np.random.default_rng(seed), outline, crop.shape[:2])
        assert mask.shape == crop.shape[:2]
        assert (mask[:20] > 0).any()
        assert (mask[:, :5] > 0).any()
        assert 0.3 < (mask > mask.max() / 2).sum() / hull.sum() < 1.1
        real, fake = self_blend(crop, landmarks, [seed])
        assert real.shape == fake.shape == crop.shape
        assert not np.array_equal(real, fake)


def test_small_crops():
    small = cv2.resize(CROP, (20, 20), interpolation=cv2.INTER_AREA)
    for seed in range(10):
        real, fake = self_blend(small, LANDMARKS * 20 / 170, [seed])
        assert real.shape == fake.shape == (20, 20, 3)


def test_a_face_outside_of_its_crop_is_an_error():
    with pytest.raises(ValueError, match="lies outside of its crop"):
        self_blend(CROP, LANDMARKS + 1000, [0])
