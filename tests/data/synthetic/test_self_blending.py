import dataclasses

import numpy as np
import pytest

from data.synthetic import self_blending

NEUTRAL = self_blending.Style(
    colour_shift=(0.0, 0.0, 0.0),
    brightness=0.0,
    contrast=0.0,
    saturation=0.0,
    hue=0.0,
    downscale=1.0,
    drops_pixels=False,
    sharpening=0.0,
)
ANGLES = np.linspace(0.0, 2.0 * np.pi, 20, endpoint=False)
FACE = np.stack([64 + 30 * np.cos(ANGLES), 64 + 40 * np.sin(ANGLES)], axis=-1).astype(np.float32)


@pytest.fixture
def picture():
    return np.random.default_rng(0).uniform(60, 200, (128, 128, 3)).astype(np.float32)


def test_neutral_style_changes_nothing(picture):
    np.testing.assert_allclose(self_blending.apply_style(picture, NEUTRAL), picture, atol=1e-3)


@pytest.mark.parametrize(
    ("change", "colour", "expected"),
    [
        pytest.param({"colour_shift": (9, -9, 0)}, (100, 90, 80), (109, 81, 80), id="shift"),
        pytest.param({"brightness": 0.1}, (100, 90, 80), (125.5, 115.5, 105.5), id="brightness"),
        pytest.param({"brightness": 0.2}, (250, 90, 80), (255, 141, 131), id="clipped"),
        pytest.param({"contrast": 0.2}, (127.5, 27.5, 227.5), (127.5, 7.5, 247.5), id="contrast"),
        pytest.param({"saturation": -1.0}, (100, 0, 0), (29.9, 29.9, 29.9), id="grey"),
        # A third of the circle: what red had more than the grey, green now has.
        pytest.param({"hue": 120.0}, (200, 50, 50), (50, 200, 50), id="hue"),
        pytest.param({"hue": 50.0}, (80, 80, 80), (80, 80, 80), id="hue of grey"),
    ],
)
def test_style_changes_colour(change, colour, expected):
    picture = np.full((8, 8, 3), colour, np.float32)
    styled = self_blending.apply_style(picture, dataclasses.replace(NEUTRAL, **change))
    assert styled.dtype == np.float32
    np.testing.assert_allclose(styled[4, 4], expected, rtol=1e-5)


def test_style_takes_or_gives_detail(picture):
    def detail(**change):
        style = dataclasses.replace(NEUTRAL, **change)
        return self_blending.apply_style(picture, style).std()

    assert detail(downscale=2.0) < picture.std() < detail(sharpening=0.5)


def test_pixels_that_are_left_out_alias(picture):
    shrunk = dataclasses.replace(NEUTRAL, downscale=2.0, drops_pixels=True)
    # Rows of black and white by turns: means are grey, and every other row is one of the two.
    rows = np.tile(np.float32([0, 255])[:, np.newaxis, np.newaxis], (8, 16, 3))
    assert np.ptp(self_blending.apply_style(rows, shrunk)) == 0.0
    assert self_blending.apply_style(rows, shrunk)[0, 0, 0] in (0.0, 255.0)
    by_means = dataclasses.replace(shrunk, drops_pixels=False)
    np.testing.assert_allclose(self_blending.apply_style(rows, by_means), 127.5)


def test_drawn_styles_stay_in_range_and_differ():
    rng = np.random.default_rng(0)
    bounds = dataclasses.replace(self_blending.SAMPLE_BOUNDS, hue=10.0)
    styles = [self_blending.draw_style(rng, bounds) for _ in range(200)]
    assert len(set(styles)) == 200
    for style in styles:
        for shift, (least, most) in zip(style.colour_shift, bounds.colour_shift, strict=True):
            assert least <= shift <= most
        for name in ("brightness", "contrast", "saturation", "hue"):
            assert abs(getattr(style, name)) <= getattr(bounds, name)
        # Detail is lost or gained, never both.
        assert style.downscale == 1.0 or style.sharpening == 0.0
        assert 1.0 <= style.downscale <= bounds.downscale[1]
        assert 0.0 <= style.sharpening <= bounds.sharpening[1]
    for name in ("brightness", "contrast", "saturation", "hue"):
        drawn = [getattr(style, name) for style in styles]
        assert np.ptp(drawn) > 1.8 * getattr(bounds, name)


def test_mask_covers_the_face_alone():
    peaks = set()
    for seed in range(30):
        mask = self_blending.draw_mask(np.random.default_rng(seed), FACE, (128, 128))
        assert mask.shape == (128, 128)
        assert mask.dtype == np.float32
        assert mask.min() >= 0.0
        assert max(mask[0].max(), mask[-1].max(), mask[:, 0].max(), mask[:, -1].max()) < 0.01
        assert 0.4 < (mask > mask.max() / 2).sum() / (np.pi * 30 * 40) < 1.3
        peaks.add(round(float(mask[64, 64]), 2))
    assert peaks == {0.75, 1.0}


def test_blend_changes_the_face_or_its_surroundings():
    picture = np.full((128, 128, 3), 100.0, np.float32)
    style = dataclasses.replace(NEUTRAL, colour_shift=(20.0, 20.0, 20.0))
    colours = set()
    for seed in range(20):
        fake = self_blending.self_blend(np.random.default_rng(seed), picture, FACE, style)
        colours.add((round(float(fake[64, 64, 0])), round(float(fake[2, 2, 0]))))
    # (face, surroundings): styled wholly or by three quarters, whichever of the two it is.
    assert colours == {(120, 100), (115, 100), (100, 120), (105, 120)}
