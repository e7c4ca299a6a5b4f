import dataclasses

import numpy as np
import pytest

from data.synthetic import styles

NEUTRAL = styles.Style(
    colour_shift=(0.0, 0.0, 0.0),
    brightness=0.0,
    contrast=0.0,
    saturation=0.0,
    hue=0.0,
    downscale=1.0,
    drops_pixels=False,
    sharpening=0.0,
)


@pytest.fixture
def picture():
    return np.random.default_rng(0).uniform(60, 200, (128, 128, 3)).astype(np.float32)


def test_neutral_style_changes_nothing(picture):
    np.testing.assert_allclose(styles.apply_style(picture, NEUTRAL), picture, atol=1e-3)


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
        pytest.param({"hue": -120.0}, (200, 50, 50), (50, 50, 200), id="hue to the other side"),
        pytest.param({"hue": 50.0}, (80, 80, 80), (80, 80, 80), id="hue of grey"),
    ],
)
def test_style_changes_colour(change, colour, expected):
    picture = np.full((8, 8, 3), colour, np.float32)
    styled = styles.apply_style(picture, dataclasses.replace(NEUTRAL, **change))
    assert styled.dtype == np.float32
    np.testing.assert_allclose(styled[4, 4], expected, rtol=1e-5)


def test_style_takes_or_gives_detail(picture):
    def detail(**change):
        style = dataclasses.replace(NEUTRAL, **change)
        return styles.apply_style(picture, style).std()

    assert detail(downscale=2.0) < picture.std() < detail(sharpening=0.5)


def test_pixels_that_are_left_out_alias(picture):
    shrunk = dataclasses.replace(NEUTRAL, downscale=2.0, drops_pixels=True)
    # Rows of black and white by turns: means are grey, and every other row is one of the two.
    rows = np.tile(np.float32([0, 255])[:, np.newaxis, np.newaxis], (8, 16, 3))
    assert np.ptp(styles.apply_style(rows, shrunk)) == 0.0
    assert styles.apply_style(rows, shrunk)[0, 0, 0] in (0.0, 255.0)
    by_means = dataclasses.replace(shrunk, drops_pixels=False)
    np.testing.assert_allclose(styles.apply_style(rows, by_means), 127.5)


def test_drawn_styles_stay_in_range_and_differ():
    rng = np.random.default_rng(0)
    bounds = dataclasses.replace(styles.SAMPLE_BOUNDS, hue=10.0)
    drawn = [styles.draw_style(rng, bounds) for _ in range(200)]
    assert len(set(drawn)) == 200
    for style in drawn:
        for shift, (least, most) in zip(style.colour_shift, bounds.colour_shift, strict=True):
            assert least <= shift <= most
        for name in ("brightness", "contrast", "saturation", "hue"):
            assert abs(getattr(style, name)) <= getattr(bounds, name)
        # Detail is lost or gained, never both.
        assert style.downscale == 1.0 or style.sharpening == 0.0
        assert 1.0 <= style.downscale <= bounds.downscale[1]
        assert 0.0 <= style.sharpening <= bounds.sharpening[1]
    for name in ("brightness", "contrast", "saturation", "hue"):
        values = [getattr(style, name) for style in drawn]
        assert np.ptp(values) > 1.8 * getattr(bounds, name)
