"""Changes of a picture's colour and detail, by which one half of a blend differs from the other.

Pictures are float32 [height, width, 3], RGB, 0 to 255.
"""

import dataclasses
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.float32]

LUMA_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
"""ITU-R BT.601."""


def to_range(values: npt.NDArray[Any]) -> Picture:
    """Clips to 0 to 255, as float32."""
    return np.clip(values, 0.0, 255.0).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class Style:
    """A change of a picture's statistics.

    Attributes:
        colour_shift: added to red, green and blue, of 255.
        brightness: fraction of 255 that is added.
        contrast: fraction by which distances from mid-grey grow.
        saturation: fraction by which distances from grey grow.
        hue: angle by which colours turn about the greys, degrees.
        downscale: factor by which the picture is shrunk and enlarged again; 1 leaves it.
        drops_pixels: whether it is shrunk by leaving pixels out, not by their means.
        sharpening: weight of the unsharp mask; 0 leaves the picture.
    """

    colour_shift: tuple[float, float, float]
    brightness: float
    contrast: float
    saturation: float
    hue: float
    downscale: float
    drops_pixels: bool
    sharpening: float


@dataclasses.dataclass(frozen=True)
class StyleBounds:
    """The ranges that a style is drawn from; see `Style` for the units.

    Pairs are least and most, single numbers the greatest change to either side.

    Attributes:
        colour_shift: for red, green and blue.
        colour_shift_probability: share of styles that have one.
        downscale: for styles that lose detail.
        drops_pixels: whether pixels are left out to lose detail, by one of the two factors alone.
        sharpening: for styles that gain detail.
    """

    colour_shift: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
    colour_shift_probability: float
    brightness: float
    contrast: float
    saturation: float
    hue: float
    downscale: tuple[float, float]
    drops_pixels: bool
    sharpening: tuple[float, float]


SAMPLE_BOUNDS = StyleBounds(
    colour_shift=((-15.0, 40.0), (-40.0, 15.0), (-40.0, 40.0)),
    colour_shift_probability=1.0,
    brightness=0.2,
    contrast=0.2,
    saturation=0.2,
    hue=0.0,
    downscale=(1.0, 2.5),
    drops_pixels=False,
    sharpening=(0.0, 0.8),
)
"""For the sample dataset. The authors' code has -20 to 20 for each colour and 0.1 for brightness
and contrast; twice that is learnt from scratch. Face detectors overlook green faces."""


def draw_style(rng: np.random.Generator, bounds: StyleBounds) -> Style:
    """Draws a change of colour, and either a loss or a gain of detail."""
    red, green, blue = (rng.uniform(least, most) for least, most in bounds.colour_shift)
    # Where there is nothing to draw, here and below, no random number is taken: another one would
    # change the bytes of the sample dataset.
    shifts = bounds.colour_shift_probability == 1.0 or (
        rng.random() < bounds.colour_shift_probability
    )
    loses_detail = rng.random() < 0.5
    return Style(
        colour_shift=(red, green, blue) if shifts else (0.0, 0.0, 0.0),
        brightness=rng.uniform(-bounds.brightness, bounds.brightness),
        contrast=rng.uniform(-bounds.contrast, bounds.contrast),
        saturation=rng.uniform(-bounds.saturation, bounds.saturation),
        downscale=_draw_downscale(rng, bounds) if loses_detail else 1.0,
        drops_pixels=bounds.drops_pixels,
        sharpening=0.0 if loses_detail else rng.uniform(*bounds.sharpening),
        hue=rng.uniform(-bounds.hue, bounds.hue) if bounds.hue else 0.0,
    )


def _draw_downscale(rng: np.random.Generator, bounds: StyleBounds) -> float:
    if bounds.drops_pixels:
        return float(rng.choice(bounds.downscale))
    return rng.uniform(*bounds.downscale)


def apply_style(picture: Picture, style: Style) -> Picture:
    """Changes a picture's colour and detail; returns a new one, clipped to 0 to 255."""
    height, width = picture.shape[:2]
    grey = (picture @ LUMA_WEIGHTS)[..., np.newaxis]
    chroma = (picture - grey) * (1.0 + style.saturation)
    if style.hue:
        chroma = chroma @ _turn_about_grey(style.hue)
    styled = grey + chroma
    styled = (styled - 127.5) * (1.0 + style.contrast) + 127.5
    styled = styled + np.array(style.colour_shift, np.float32) + 255.0 * style.brightness
    if style.downscale > 1.0:
        small = [max(1, round(length / style.downscale)) for length in (width, height)]
        shrinking = cv2.INTER_NEAREST if style.drops_pixels else cv2.INTER_AREA
        shrunk = cv2.resize(styled, small, interpolation=shrinking)
        styled = cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_LINEAR)
    if style.sharpening > 0.0:
        styled = styled + style.sharpening * (styled - cv2.GaussianBlur(styled, (0, 0), 1.0))
    return to_range(styled)


def _turn_about_grey(degrees: float) -> npt.NDArray[np.float32]:
    """Rotation of colours about the axis of the greys, for rows, float32 [3, 3]."""
    vector = np.full(3, np.radians(degrees) / np.sqrt(3.0))
    return cv2.Rodrigues(vector)[0].T.astype(np.float32)


def style_one(rng: np.random.Generator, picture: Picture, style: Style) -> tuple[Picture, Picture]:
    """Returns the source and the target of a blend; the style changes one of them, by chance."""
    if rng.random() < 0.5:
        return apply_style(picture, style), picture
    return picture, apply_style(picture, style)
