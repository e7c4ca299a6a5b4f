"""Draws an answer over a frame: a box and a label for each person, a caption for the video.

Every coloured line has a black and a white edge, so that it is visible on any background. Colour is
never the only distinction: a sign, the verdict's name and the dashes of the line say the same.
"""

import itertools
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from data.unjudged import UnjudgedTrack
from data.visualization import drawing
from serving.prediction import (
    FramePrediction,
    TrackPrediction,
    Verdict,
    VideoPrediction,
    scope_sentences,
)
from serving.visualization import labels
from serving.visualization.face_path import FacePath
from serving.visualization.labels import BACKGROUND, FAINT, MIN_TEXT_SIZE, TEXT
from serving.visualization.verdict_style import (
    STYLES,
    UNJUDGED_STYLE,
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
_TEXT_SIZES = MIN_TEXT_SIZE, 40  # pixels
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
        times_s = prediction.facts.times_s
        self._tracks = [
            (number, track, FacePath(track, times_s))
            for number, track in enumerate(prediction.tracks, 1)
        ]
        self._unjudged = [
            (track, FacePath(_without_scores(track), times_s))
            for track in prediction.facts.unjudged
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
        passed_over = [
            (track, position)
            for track, path in self._unjudged
            if (position := path.at(time_s)) is not None
        ]
        for _, position in passed_over:
            draw_box(view, position.box, UNJUDGED_STYLE, max(1, self._size // 10))
        for _, track, position in visible:
            draw_box(view, position.box, STYLES[track.verdict], max(2, self._size // 6))
        faces = [
            labels.whole_pixels(position.box)
            for position in (*(p for _, p in passed_over), *(p for _, _, p in visible))
        ]
        occupied: list[labels.Box] = []
        for number, track, position in visible:
            score = position.nearest.fake_probability
            face = "not readable" if score is None else f"{score:.2f}"
            label = labels.draw_label(
                track.verdict,
                f"Track {number}: {verdict_text(track)}",
                f"{probability_text(track.fake_probability)}, this face {face}",
                self._size,
            )
            occupied.append(labels.place_label(view, label, position.box, occupied, faces))
        for unjudged, position in passed_over:
            label = labels.draw_note(f"not judged: {unjudged.reason.value}", self._size)
            place = labels.find_place(view, label, position.box, [*occupied, *faces])
            if place is not None:  # in a crowd the box must do
                occupied.append(labels.paste(view, label, place))
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


def _without_scores(track: UnjudgedTrack) -> TrackPrediction:
    """A track that was not judged, as one whose faces have no scores."""
    frames = tuple(
        FramePrediction(time_s, box, None)
        for time_s, box in zip(track.times_s, track.boxes, strict=True)
    )
    return TrackPrediction(Verdict.ABSTAIN, None, frames, faces_seen=track.faces_seen)


def _draw_caption(prediction: VideoPrediction, width: int, size: int) -> RgbImage:
    """Draws what applies to the whole video: verdict, model, remark, scope."""
    assert prediction.facts is not None
    small = max(MIN_TEXT_SIZE, round(0.75 * size))
    pad = max(4, size // 2)
    sign = 2 * size
    text_width = width - sign - 3 * pad
    frames = f"faces looked for in {len(prediction.facts.times_s)} frames"
    scope = " ".join(scope_sentences(prediction.model_version, prediction.scope))
    paragraphs = [
        *([remark] if (remark := remark_text(prediction)) else []),
        f"{model_text(prediction)}; {frames}. {scope}",
    ]
    heading = drawing.wrap(f"Video: {answer_text(prediction)}", size, text_width, 2)
    lines = [
        line for text in paragraphs for line in drawing.wrap(text, small, text_width, _MAX_LINES)
    ]
    step, small_step = round(1.3 * size), round(1.35 * small)
    height = max(sign, step * len(heading) + small_step * len(lines)) + 2 * pad
    caption = Image.new("RGB", (width, height), BACKGROUND)
    pen = ImageDraw.Draw(caption)
    draw_sign(pen, prediction.verdict, pad, pad, sign)
    x, y = 2 * pad + sign, pad
    for line in heading:
        pen.text((x, y), line, TEXT, drawing.font(size))
        y += step
    for line in lines:
        pen.text((x, y), line, FAINT, drawing.font(small))
        y += small_step
    return np.asarray(caption)
