"""Draws an answer over a frame: a box and a label for each person, a caption for the video.

Every coloured line has a black and a white edge, so that it is visible on any background. Colour is
never the only distinction: a sign, the verdict's name and the dashes of the line say the same.
"""

import functools
import itertools
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from data.contract import SCOPE_SENTENCE
from data.visualization import drawing
from serving.prediction import Verdict, VideoPrediction
from serving.visualization.face_path import FacePath
from serving.visualization.verdict_style import (
    STYLES,
    VerdictStyle,
    answer_text,
    draw_sign,
    model_text,
    probability_text,
    remark_text,
    verdict_text,
)

RgbImage = npt.NDArray[np.uint8]

_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)
_BACKGROUND, _TEXT, _FAINT = "#141414", "#ffffff", "#c8c8c8"
_MIN_TEXT_SIZE = 11
_TEXT_SIZES = _MIN_TEXT_SIZE, 40  # pixels
_MAX_LINES = 20  # of a paragraph; very narrow videos need as many


class Overlay:
    """Draws one video's answer over its frames.

    Args:
        prediction: the answer, with `facts`.
        width: of the frames, pixels.
        height: of the frames, pixels.
    """

    def __init__(self, prediction: VideoPrediction, width: int, height: int) -> None:
        assert prediction.facts is not None
        self._size = int(np.clip(round(min(width, height) / 32), *_TEXT_SIZES))
        self._tracks = [
            (number, track, FacePath(track, prediction.facts.times_s))
            for number, track in enumerate(prediction.tracks, 1)
        ]
        self._caption = _draw_caption(prediction, width, self._size)
        # H.264 with 4:2:0 chroma subsampling takes even sizes only.
        self._padding = (height + self._caption.shape[0]) % 2, width % 2

    def draw(self, image: RgbImage, time_s: float) -> RgbImage:
        """Draws the answer at one time.

        Args:
            image: uint8 [height, width, 3], RGB; unchanged.
            time_s: of the frame, seconds.

        Returns:
            uint8 [height + caption, width, 3], both sides even. Only boxes and labels cover the
            frame.
        """
        bottom, right = self._padding
        canvas = np.concatenate([image, self._caption])
        canvas = np.pad(canvas, ((0, bottom), (0, right), (0, 0)), mode="edge")
        view = canvas[: image.shape[0], : image.shape[1]]
        visible = [
            (number, track, position)
            for number, track, path in self._tracks
            if (position := path.at(time_s)) is not None
        ]
        for _, track, position in visible:
            draw_box(view, position.box, STYLES[track.verdict], max(2, self._size // 6))
        occupied: list[tuple[int, int, int, int]] = []
        for number, track, position in visible:
            score = position.nearest.fake_probability
            face = "not readable" if score is None else f"{score:.2f}"
            label = _draw_label(
                track.verdict,
                f"Person {number}: {verdict_text(track)}",
                f"{probability_text(track.fake_probability)}, this face {face}",
                self._size,
            )
            occupied.append(_place_label(view, label, position.box, occupied))
        return canvas


def draw_box(image: RgbImage, box: Sequence[float], style: VerdictStyle, thickness: int) -> None:
    """Draws a box in place, just outside of the face, with a black and a white edge.

    Args:
        image: uint8 [height, width, 3], RGB.
        box: x_min, y_min, x_max, y_max in pixels; it may extend beyond the image.
        style: colour and dashes.
        thickness: of the coloured line, pixels.
    """
    left, top = (round(side) - thickness for side in box[:2])
    right, bottom = (round(side) + thickness for side in box[2:])
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    lines = [
        dash
        for start, end in itertools.pairwise(corners)
        for dash in _dashes(start, end, [thickness * length for length in style.dash])
    ]
    for colour, more in ((_WHITE, 4), (_BLACK, 2), (style.colour, 0)):
        for start, end in lines:
            cv2.line(image, start, end, colour, thickness + more)


def _dashes(
    start: tuple[int, int], end: tuple[int, int], lengths: Sequence[int]
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Divides a line into dashes; without lengths it stays whole."""
    if not lengths:
        yield start, end
        return
    first, last = np.array(start, np.float64), np.array(end, np.float64)
    total = float(np.linalg.norm(last - first))
    drawn, period = lengths[0], sum(lengths)
    for at in np.arange(0, total, period):
        a = first + (last - first) * at / total
        b = first + (last - first) * min(1.0, (at + drawn) / total)
        yield (round(a[0]), round(a[1])), (round(b[0]), round(b[1]))


@functools.lru_cache(maxsize=256)
def _draw_label(verdict: Verdict, first: str, second: str, size: int) -> RgbImage:
    """The verdict's sign on its colour, and two lines of text."""
    small = max(_MIN_TEXT_SIZE - 1, round(0.8 * size))
    pad = max(3, size // 3)
    height = size + small + 3 * pad
    sign = height
    wide = max(drawing.text_width(first, size), drawing.text_width(second, small))
    label = Image.new("RGB", (sign + pad + round(wide) + 2 * pad, height), _BACKGROUND)
    pen = ImageDraw.Draw(label)
    draw_sign(pen, verdict, 0, 0, sign)
    pen.text((sign + pad, pad), first, _TEXT, drawing.font(size), anchor="lt")
    pen.text((sign + pad, height - pad), second, _FAINT, drawing.font(small), anchor="lb")
    pen.rectangle((0, 0, label.width - 1, height - 1), outline=_WHITE)
    return np.asarray(label)


def _place_label(
    image: RgbImage,
    label: RgbImage,
    box: Sequence[float],
    occupied: Sequence[tuple[int, int, int, int]],
) -> tuple[int, int, int, int]:
    """Puts a label above, below or inside its box, where it fits and covers no other label.

    Returns:
        Its x_min, y_min, x_max, y_max.
    """
    height, width = image.shape[:2]
    tall, wide = min(label.shape[0], height), min(label.shape[1], width)
    left = min(max(0, round(box[0]) - 2), width - wide)
    gap = 2 * max(2, tall // 16)  # beyond the line of the box
    above, below = round(box[1]) - tall - gap, round(box[3]) + gap
    tops = [above, below, round(box[1]) + gap, round(box[3]) - tall - gap]
    free = [
        top
        for top in tops
        if 0 <= top <= height - tall
        and not any(
            left < x_max and x_min < left + wide and top < y_max and y_min < top + tall
            for x_min, y_min, x_max, y_max in occupied
        )
    ]
    top = free[0] if free else min(max(0, above), height - tall)
    image[top : top + tall, left : left + wide] = label[:tall, :wide]
    return left, top, left + wide, top + tall


def _draw_caption(prediction: VideoPrediction, width: int, size: int) -> RgbImage:
    """Draws what applies to the whole video: verdict, model, remark, scope."""
    assert prediction.facts is not None
    small = max(_MIN_TEXT_SIZE, round(0.75 * size))
    pad = max(4, size // 2)
    sign = 2 * size
    text_width = width - sign - 3 * pad
    frames = f"faces looked for in {len(prediction.facts.times_s)} frames"
    paragraphs = [
        *([remark] if (remark := remark_text(prediction)) else []),
        f"{model_text(prediction)}; {frames}. {SCOPE_SENTENCE}",
    ]
    heading = drawing.wrap(f"Video: {answer_text(prediction)}", size, text_width, 2)
    lines = [
        line for text in paragraphs for line in drawing.wrap(text, small, text_width, _MAX_LINES)
    ]
    step, small_step = round(1.3 * size), round(1.35 * small)
    height = max(sign, step * len(heading) + small_step * len(lines)) + 2 * pad
    caption = Image.new("RGB", (width, height), _BACKGROUND)
    pen = ImageDraw.Draw(caption)
    draw_sign(pen, prediction.verdict, pad, pad, sign)
    x, y = 2 * pad + sign, pad
    for line in heading:
        pen.text((x, y), line, _TEXT, drawing.font(size))
        y += step
    for line in lines:
        pen.text((x, y), line, _FAINT, drawing.font(small))
        y += small_step
    return np.asarray(caption)
