"""Reliability diagrams before and after calibration, side by side.

Above: what share of the videos with a probability is fake; on the diagonal a probability can
be believed. Below: how many videos that rests on.
"""

import functools
import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from models.calibration.calibration import Calibration
from models.evaluation.metrics import RELIABILITY_BINS, Reliability

_SIDE = 32 * RELIABILITY_BINS
"""Pixels of a diagram, which is square."""

_COUNTS_HEIGHT = 150
_MARGIN = 32
_LEFT = 84  # of a diagram: room for the axis
_HEAD = 150
_CAPTION = 64  # between diagram and counts
_FOOT = 70
_WIDTH = 2 * (_LEFT + _SIDE) + 2 * _MARGIN
_HEIGHT = _HEAD + _SIDE + _CAPTION + _COUNTS_HEIGHT + _FOOT

_PAPER, _INK, _FADED, _LINE = "#ffffff", "#1b1b1b", "#6a6a6a", "#dddddd"
_SHARE, _GAP = "#0072b2", "#e69f00"
_REAL, _UNCERTAIN, _FAKE = "#1a7f37", "#b8b8b8", "#c62828"


def paint(title: str, calibration: Calibration) -> bytes:
    """Draws both diagrams.

    Args:
        title: of what model.
        calibration: what is drawn; its verdicts are marked below the calibrated diagram.

    Returns:
        A PNG, dark on light.
    """
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), _PAPER)
    pen = ImageDraw.Draw(picture)
    pen.text((_MARGIN, 22), title, _INK, _font(28))
    _paint_legend(pen)
    method = calibration.decision.calibrator.method
    for number, (name, reliability) in enumerate(
        (
            ("Before calibration", calibration.reliability),
            (
                f"Calibrated ({method}), cross-fitted by source group",
                calibration.calibrated_reliability,
            ),
        )
    ):
        left = _MARGIN + number * (_LEFT + _SIDE) + _LEFT
        error = f"expected calibration error {reliability.expected_calibration_error:.3f}"
        pen.text((left, _HEAD - 52), name, _INK, _font(17))
        pen.text((left, _HEAD - 28), error, _FADED, _font(17))
        _paint_diagram(pen, left, reliability)
        _paint_counts(pen, left, reliability)
    _paint_verdicts(pen, left, calibration.decision.real_below, calibration.decision.fake_above)
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def _paint_legend(pen: ImageDraw.ImageDraw) -> None:
    at = _MARGIN
    for colour, text in (
        (_SHARE, "share of fakes, both classes weighing the same"),
        (_GAP, "its distance from the mean probability"),
        (_REAL, "real videos"),
        (_FAKE, "fake videos"),
        (_UNCERTAIN, "uncertain"),
    ):
        pen.rectangle((at, 67, at + 13, 80), colour)
        pen.text((at + 20, 63), text, _FADED, _font(16))
        at += 20 + int(_font(16).getlength(text)) + 28


def _paint_diagram(pen: ImageDraw.ImageDraw, left: int, reliability: Reliability) -> None:
    bottom = _HEAD + _SIDE
    for tick in np.linspace(0, 1, 6):
        x, y = left + tick * _SIDE, bottom - tick * _SIDE
        pen.line((left, y, left + _SIDE, y), _LINE)
        pen.text((left - 10, y), f"{tick:.1f}", _FADED, _font(15), anchor="rm")
        pen.text((x, bottom + 8), f"{tick:.1f}", _FADED, _font(15), anchor="mt")
    width = _SIDE / RELIABILITY_BINS
    for number, (share, mean) in enumerate(
        zip(reliability.fake_share, reliability.probability, strict=True)
    ):
        if np.isnan(share):
            continue
        x = left + number * width
        # A bin without fakes is seen too.
        top = min(bottom - share * _SIDE, bottom - 2)
        pen.rectangle((x + 3, top, x + width - 3, bottom), _SHARE)
        low, high = sorted((share, mean))
        middle = x + width / 2
        pen.line((middle, bottom - high * _SIDE, middle, bottom - low * _SIDE), _GAP, 6)
        pen.line((x + 3, bottom - mean * _SIDE, x + width - 3, bottom - mean * _SIDE), _GAP, 3)
    pen.line((left, bottom, left + _SIDE, _HEAD), _FADED, 2)
    pen.rectangle((left, _HEAD, left + _SIDE, bottom), outline=_FADED)


def _paint_verdicts(
    pen: ImageDraw.ImageDraw, left: int, real_below: float, fake_above: float
) -> None:
    """Under a diagram, a strip that tells what its probabilities are called."""
    top = _HEAD + _SIDE + 34
    pen.text((left - 10, top + 5), "verdict", _FADED, _font(15), anchor="rm")
    ends = [round(left + end * _SIDE) for end in (0, real_below, fake_above, 1)]
    for start, end, colour in zip(ends, ends[1:], (_REAL, _UNCERTAIN, _FAKE), strict=False):
        if end > start:
            pen.rectangle((start, top, end - 1, top + 10), colour)


def _paint_counts(pen: ImageDraw.ImageDraw, left: int, reliability: Reliability) -> None:
    top = _HEAD + _SIDE + _CAPTION
    bottom = top + _COUNTS_HEIGHT
    largest = int(max(reliability.reals.max(), reliability.fakes.max()))
    pen.text((left - 10, top), f"{largest}", _FADED, _font(15), anchor="rm")
    pen.text((left - 10, bottom), "0", _FADED, _font(15), anchor="rm")
    pen.text((left - 10, (top + bottom) / 2), "videos", _FADED, _font(15), anchor="rm")
    width = _SIDE / RELIABILITY_BINS
    for counts, colour, place in ((reliability.reals, _REAL, 0), (reliability.fakes, _FAKE, 1)):
        for number, count in enumerate(counts):
            if count:
                x = left + (number + place / 2) * width + 2
                height = max(count / largest * _COUNTS_HEIGHT, 2)
                pen.rectangle((x, bottom - height, x + width / 2 - 4, bottom), colour)
    pen.line((left, bottom, left + _SIDE, bottom), _FADED)
    pen.text(
        (left + _SIDE / 2, bottom + 14), "probability of being fake", _FADED, _font(16), anchor="mt"
    )


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow's wheels carry FreeType"
    return font
