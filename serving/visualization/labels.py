"""Labels beside boxes: their pictures, and where they cover nothing."""

import functools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from data.visualization import drawing
from serving.prediction import Verdict
from serving.visualization.verdict_style import draw_sign

RgbImage = npt.NDArray[np.uint8]

Box = tuple[int, int, int, int]
"""x_min, y_min, x_max, y_max, pixels."""

BACKGROUND, TEXT, FAINT = "#141414", "#ffffff", "#c8c8c8"

MIN_TEXT_SIZE = 11
"""Pixels."""


@functools.lru_cache(maxsize=256)
def draw_label(verdict: Verdict, first: str, second: str, size: int) -> RgbImage:
    """The verdict's sign on its colour, and two lines of text."""
    small = max(MIN_TEXT_SIZE - 1, round(0.8 * size))
    pad = max(3, size // 3)
    height = size + small + 3 * pad
    sign = height
    wide = max(drawing.text_width(first, size), drawing.text_width(second, small))
    label = Image.new("RGB", (sign + pad + round(wide) + 2 * pad, height), BACKGROUND)
    pen = ImageDraw.Draw(label)
    draw_sign(pen, verdict, 0, 0, sign)
    pen.text((sign + pad, pad), first, TEXT, drawing.font(size), anchor="lt")
    pen.text((sign + pad, height - pad), second, FAINT, drawing.font(small), anchor="lb")
    pen.rectangle((0, 0, label.width - 1, height - 1), outline="white")
    return np.asarray(label)


@functools.lru_cache(maxsize=16)
def draw_note(text: str, size: int) -> RgbImage:
    """One small line of text."""
    small = max(MIN_TEXT_SIZE - 1, round(0.7 * size))
    pad = max(2, small // 4)
    width = round(drawing.text_width(text, small)) + 2 * pad
    note = Image.new("RGB", (width, small + 2 * pad), BACKGROUND)
    ImageDraw.Draw(note).text((pad, pad), text, FAINT, drawing.font(small), anchor="lt")
    return np.asarray(note)


def place_label(
    image: RgbImage,
    label: RgbImage,
    box: Sequence[float],
    labels: Sequence[Box],
    faces: Sequence[Box],
) -> Box:
    """Puts a label beside its box: where it covers no label and no face, or else no label.

    Returns:
        Where it is.
    """
    place = find_place(image, label, box, [*labels, *faces])
    if place is None:
        place = find_place(image, label, box, labels)
    if place is None:
        place = _places(image, label, box)[0]
    return paste(image, label, place)


def find_place(
    image: RgbImage, label: RgbImage, box: Sequence[float], occupied: Sequence[Box]
) -> tuple[int, int] | None:
    """The first place, left and top, where a label covers nothing; None if there is none."""
    tall, wide = label.shape[:2]
    height, width = image.shape[:2]
    for left, top in _places(image, label, box):
        if (
            top + tall <= height
            and left + wide <= width
            and not any(
                left < x_max and x_min < left + wide and top < y_max and y_min < top + tall
                for x_min, y_min, x_max, y_max in occupied
            )
        ):
            return left, top
    return None


def _places(image: RgbImage, label: RgbImage, box: Sequence[float]) -> list[tuple[int, int]]:
    """Left and top of a label above, below, right and left of a box, within the image."""
    tall, wide = label.shape[:2]
    gap = 2 * max(2, tall // 16)  # beyond the line of the box
    x_min, y_min, x_max, y_max = whole_pixels(box)
    beside = min(max(0, y_min), max(0, image.shape[0] - tall))
    level = min(max(0, x_min - 2), max(0, image.shape[1] - wide))
    return [
        (max(0, left), max(0, top))
        for left, top in (
            (level, y_min - tall - gap),
            (level, y_max + gap),
            (x_max + gap, beside),
            (x_min - wide - gap, beside),
        )
    ]


def paste(image: RgbImage, label: RgbImage, place: tuple[int, int]) -> Box:
    """Puts a label into an image, as far as it reaches, and returns where it is."""
    left, top = place
    tall = min(label.shape[0], image.shape[0] - top)
    wide = min(label.shape[1], image.shape[1] - left)
    image[top : top + tall, left : left + wide] = label[:tall, :wide]
    return left, top, left + wide, top + tall


def whole_pixels(box: Sequence[float]) -> Box:
    """A box in whole pixels."""
    x_min, y_min, x_max, y_max = map(round, box)
    return x_min, y_min, x_max, y_max
