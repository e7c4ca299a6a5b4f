"""An answer as a picture: each person's scores over the time of the video."""

import io
import os
import pathlib

from PIL import Image, ImageDraw, ImageOps

from data.contract import SCOPE_SENTENCE
from data.ledger import percent_encode
from data.utils import atomic_file
from data.utils.errors import OutputError
from data.visualization import drawing
from serving.audit import Thresholds
from serving.prediction import VideoPrediction
from serving.visualization.timeline_plot import plot, unscored_spans
from serving.visualization.verdict_style import (
    answer_text,
    draw_sign,
    model_text,
    probability_text,
    remark_text,
    verdict_text,
)

WIDTH, HEIGHT = 1200, 400
"""Pixels of the picture."""

MAX_PEOPLE = 4
"""People listed beside the plot; as many as are kept per video by default."""

_AXES = 62, 72, 850, 334  # left, top, right, bottom
_PEOPLE_LEFT, _PEOPLE_TOP, _PEOPLE_STEP = 936, 20, 84
_FACE = 68  # pixels of a face's side
_MARGIN = 20


def draw_timeline(
    prediction: VideoPrediction, path: pathlib.Path, thresholds: Thresholds | None = None
) -> None:
    """Draws the scores of a video's people over time, `WIDTH` x `HEIGHT` pixels, dark on light.

    Each dot is a scored face, and a cross at the bottom a face that the model could not read. A
    line connects them while the person stays in view, and a ring marks the largest score. Times
    without any scored face are hatched. Beside the plot are the people, with the face that has
    the largest score, verdict and probability.

    Args:
        prediction: the answer, with `facts`.
        path: of the PNG, written whole or not at all; replaced if it exists.
        thresholds: of the model that answered, drawn as bands; if None, the picture says that
            they are not known.

    Raises:
        OutputError: the picture cannot be written.
    """
    people = range(min(len(prediction.tracks), MAX_PEOPLE))
    markers = [(_PEOPLE_LEFT + _FACE + 16, _PEOPLE_TOP + _PEOPLE_STEP * row + 10) for row in people]
    picture = plot(prediction, thresholds, (WIDTH, HEIGHT), _AXES, markers)
    pen = ImageDraw.Draw(picture)
    _draw_heading(pen, prediction)
    for row in people:
        _draw_person(picture, pen, prediction, row)
    more = len(prediction.tracks) - MAX_PEOPLE
    if more > 0 or not prediction.tracks:
        text = f"and {more} more" if more > 0 else "nobody's face was scored"
        y = _PEOPLE_TOP + _PEOPLE_STEP * len(people) - 6 * bool(people)
        _draw_text(pen, _PEOPLE_LEFT, y, text, 14, WIDTH - _MARGIN - _PEOPLE_LEFT)
    notes = [
        SCOPE_SENTENCE,
        *(["Hatched: no face was scored."] if any(unscored_spans(prediction)) else []),
        *([] if thresholds else ["The model's thresholds are not known here."]),
    ]
    footer = " ".join(notes)
    _draw_text(pen, _MARGIN, HEIGHT - 24, footer, 14, WIDTH - 2 * _MARGIN)
    try:
        with atomic_file.create(path) as file:
            picture.save(file, "PNG")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error


def _draw_text(
    pen: ImageDraw.ImageDraw, x: int, y: int, text: str, size: int, width: int, colour: str = ""
) -> None:
    pen.text((x, y), drawing.fit(text, size, width), colour or drawing.FADED, drawing.font(size))


def _draw_heading(pen: ImageDraw.ImageDraw, prediction: VideoPrediction) -> None:
    draw_sign(pen, prediction.verdict, _MARGIN, 12, 44)
    left, width = _MARGIN + 56, _PEOPLE_LEFT - _MARGIN - 76
    _draw_text(pen, left, 10, answer_text(prediction), 22, width, drawing.INK)
    parts = [part for part in (model_text(prediction), remark_text(prediction)) if part]
    rest = drawing.fit("".join(f"  ·  {part}" for part in parts), 15, 0.8 * width)
    name = percent_encode(os.path.basename(prediction.path))
    name = drawing.fit(name, 15, width - drawing.text_width(rest, 15))
    _draw_text(pen, left, 38, name + rest, 15, width)


def _draw_person(
    picture: Image.Image, pen: ImageDraw.ImageDraw, prediction: VideoPrediction, row: int
) -> None:
    track = prediction.tracks[row]
    top = _PEOPLE_TOP + _PEOPLE_STEP * row
    if track.picture:
        try:
            face = ImageOps.fit(
                Image.open(io.BytesIO(track.picture)).convert("RGB"), (_FACE, _FACE)
            )
        except OSError:  # the model could not read it either
            face = Image.new("RGB", (_FACE, _FACE), drawing.BAND)
        picture.paste(face, (_PEOPLE_LEFT, top))
    left, width = _PEOPLE_LEFT + _FACE + 10, WIDTH - _MARGIN - _PEOPLE_LEFT - _FACE - 10
    _draw_text(pen, left + 16, top, f"Person {row + 1}", 16, width, drawing.INK)
    draw_sign(pen, track.verdict, left, top + 25, 18)
    _draw_text(pen, left + 24, top + 25, verdict_text(track), 16, width - 24, drawing.INK)
    _draw_text(pen, left, top + 49, probability_text(track.fake_probability), 14, width)
