"""An answer as a picture: each track's scores over the time of the video."""

import io
import os
import pathlib
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageOps

from data.ledger import percent_encode
from data.utils import atomic_file
from data.utils.errors import OutputError
from data.visualization import drawing
from serving.audit import Thresholds
from serving.prediction import TrackPrediction, VideoPrediction, scope_sentences
from serving.visualization.timeline_plot import TRACK_STYLES, plot, unscored_spans
from serving.visualization.verdict_style import (
    answer_text,
    draw_sign,
    model_text,
    probability_text,
    remark_text,
    verdict_text,
)

WIDTH, HEIGHT = 1200, 400
"""Pixels of a picture with one line of notes."""

_AXES = 62, 84, 850, 334  # left, top, right, bottom
_TRACKS_LEFT, _TRACKS_TOP, _TRACKS_STEP = 936, 20, 84
_FACE = 68  # pixels of a face's side
_MARGIN = 20
_NOTE_SIZE, _NOTE_STEP, _MOST_NOTES = 14, 20, 6  # pixels, pixels, lines


def draw_timeline(
    prediction: VideoPrediction, path: pathlib.Path, thresholds: Thresholds | None = None
) -> None:
    """Draws the scores of a video's tracks over time, dark on light.

    The picture is `WIDTH` x `HEIGHT` pixels, and 20 pixels higher for each further line of notes.

    Each dot is a scored face, and a cross at the bottom a face that the model could not read. A
    line connects them while the face stays in view, and a ring marks the largest score. Times
    without any scored face are hatched. Beside the plot are the tracks that are most likely
    fake, with the face that has the largest score, verdict and probability.

    Args:
        prediction: the answer, with `facts`.
        path: of the PNG, written whole or not at all; replaced if it exists.
        thresholds: of the model that answered, drawn as bands; if None, the picture says that
            they are not known.

    Raises:
        OutputError: the picture cannot be written.
    """
    listed = most_suspect(prediction.tracks)[: len(TRACK_STYLES)]
    markers = {
        number: (_TRACKS_LEFT + _FACE + 16, _TRACKS_TOP + _TRACKS_STEP * row + 10)
        for row, number in enumerate(listed)
    }
    notes = _notes(prediction, thresholds)
    size = WIDTH, HEIGHT + _NOTE_STEP * (len(notes) - 1)
    picture = plot(prediction, thresholds, size, _AXES, markers)
    pen = ImageDraw.Draw(picture)
    _draw_heading(pen, prediction)
    for row, number in enumerate(listed):
        _draw_track(picture, pen, prediction.tracks[number], number, row)
    more = len(prediction.tracks) - len(TRACK_STYLES)
    if more > 0 or not listed:
        text = f"and {more} more, less likely fake" if more > 0 else "nobody's face was scored"
        y = _TRACKS_TOP + _TRACKS_STEP * len(listed) - 6 * bool(listed)
        _draw_text(pen, _TRACKS_LEFT, y, text, 14, WIDTH - _MARGIN - _TRACKS_LEFT)
    for row, line in enumerate(notes):
        y = HEIGHT - 24 + _NOTE_STEP * row
        _draw_text(pen, _MARGIN, y, line, _NOTE_SIZE, WIDTH - 2 * _MARGIN)
    try:
        with atomic_file.create(path) as file:
            picture.save(file, "PNG")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error


def most_suspect(tracks: Sequence[TrackPrediction]) -> list[int]:
    """The numbers of all tracks, the one most likely fake first, those without a score last.

    Example:
        >>> from serving.prediction import Verdict
        >>> scores = (0.1, None, 0.8)
        >>> most_suspect([TrackPrediction(Verdict.UNCERTAIN, score, ()) for score in scores])
        [2, 0, 1]
    """
    probabilities = [-1.0 if t.fake_probability is None else t.fake_probability for t in tracks]
    return sorted(range(len(tracks)), key=lambda number: -probabilities[number])


def _notes(prediction: VideoPrediction, thresholds: Thresholds | None) -> list[str]:
    """Lines below the plot: what the answer is about, and how to read the picture."""
    asked = prediction.model_version is not None
    notes = [
        *scope_sentences(prediction.model_version, prediction.scope),
        *(["Hatched: no face was scored."] if any(unscored_spans(prediction)) else []),
        *(["The model's thresholds are not known here."] if asked and not thresholds else []),
    ]
    return drawing.wrap(" ".join(notes), _NOTE_SIZE, WIDTH - 2 * _MARGIN, _MOST_NOTES)


def _draw_text(
    pen: ImageDraw.ImageDraw, x: int, y: int, text: str, size: int, width: int, colour: str = ""
) -> None:
    pen.text((x, y), drawing.fit(text, size, width), colour or drawing.FADED, drawing.font(size))


def _draw_heading(pen: ImageDraw.ImageDraw, prediction: VideoPrediction) -> None:
    draw_sign(pen, prediction.verdict, _MARGIN, 12, 44)
    left, width = _MARGIN + 56, _TRACKS_LEFT - _MARGIN - 76
    _draw_text(pen, left, 10, answer_text(prediction), 22, width, drawing.INK)
    model = f"  ·  {model_text(prediction)}"
    name = percent_encode(os.path.basename(prediction.path))
    name = drawing.fit(name, 15, width - drawing.text_width(model, 15))
    _draw_text(pen, left, 36, name + model, 15, width)
    _draw_text(pen, left, 55, remark_text(prediction), 14, width, drawing.INK)


def _draw_track(
    picture: Image.Image, pen: ImageDraw.ImageDraw, track: TrackPrediction, number: int, row: int
) -> None:
    top = _TRACKS_TOP + _TRACKS_STEP * row
    if track.picture:
        try:
            face = ImageOps.fit(
                Image.open(io.BytesIO(track.picture)).convert("RGB"), (_FACE, _FACE)
            )
        except OSError:  # the model could not read it either
            face = Image.new("RGB", (_FACE, _FACE), drawing.BAND)
        picture.paste(face, (_TRACKS_LEFT, top))
    left, width = _TRACKS_LEFT + _FACE + 10, WIDTH - _MARGIN - _TRACKS_LEFT - _FACE - 10
    _draw_text(pen, left + 16, top, f"Track {number + 1}", 16, width, drawing.INK)
    draw_sign(pen, track.verdict, left, top + 25, 18)
    _draw_text(pen, left + 24, top + 25, verdict_text(track), 16, width - 24, drawing.INK)
    _draw_text(pen, left, top + 49, probability_text(track.fake_probability), 14, width)
