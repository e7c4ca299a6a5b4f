"""How verdicts look: colour, sign and text together, so that none of them is needed alone."""

import dataclasses
from collections.abc import Mapping

from PIL import ImageDraw

from data.ledger import percent_encode
from serving.prediction import TrackPrediction, Verdict, VideoPrediction


@dataclasses.dataclass(frozen=True)
class VerdictStyle:
    """How one verdict is drawn.

    Attributes:
        colour: red, green, blue, 0 to 255, of Okabe and Ito's palette, whose colours
            colour-blind people tell apart (jfly.uni-koeln.de/color, 2008).
        sign: a simple sign, drawn in strokes: points in a unit square, x right, y down.
        dash: of the box, lengths drawn and left out in widths of its line; empty if solid.
    """

    colour: tuple[int, int, int]
    sign: tuple[tuple[tuple[float, float], ...], ...]
    dash: tuple[int, ...] = ()


_CROSS = (((0.2, 0.2), (0.8, 0.8)), ((0.2, 0.8), (0.8, 0.2)))
_TICK = (((0.12, 0.55), (0.4, 0.82), (0.88, 0.2)),)
_QUESTION = (
    ((0.26, 0.34), (0.33, 0.16), (0.5, 0.1), (0.67, 0.16), (0.74, 0.33), (0.52, 0.53), (0.5, 0.68)),
    ((0.5, 0.84), (0.5, 0.99)),
)
_BAR = (((0.2, 0.5), (0.8, 0.5)),)

STYLES: Mapping[Verdict, VerdictStyle] = {
    Verdict.FAKE: VerdictStyle((213, 94, 0), _CROSS),
    Verdict.REAL: VerdictStyle((86, 180, 233), _TICK),
    Verdict.UNCERTAIN: VerdictStyle((240, 228, 66), _QUESTION, (5, 3)),
    Verdict.ABSTAIN: VerdictStyle((170, 170, 170), _BAR, (2, 3)),
}


def draw_sign(pen: ImageDraw.ImageDraw, verdict: Verdict, left: int, top: int, side: int) -> None:
    """Draws a verdict's sign in black on a square of its colour.

    Args:
        pen: draws on an RGB picture.
        verdict: whose sign.
        left: of the square, pixels.
        top: of the square, pixels.
        side: of the square, pixels.
    """
    style = STYLES[verdict]
    pen.rectangle((left, top, left + side - 1, top + side - 1), style.colour)
    edge = side // 6
    inside = side - 2 * edge
    for stroke in style.sign:
        points = [(left + edge + x * inside, top + edge + y * inside) for x, y in stroke]
        pen.line(points, (0, 0, 0), max(2, inside // 6), joint="curve")


def verdict_text(answer: TrackPrediction | VideoPrediction) -> str:
    """`FAKE`, or `NO VERDICT` of what was not scored."""
    return "NO VERDICT" if answer.verdict is Verdict.ABSTAIN else answer.verdict.name


def probability_text(probability: float | None) -> str:
    """`0.97`: next to `REAL`, a number alone would be taken for the probability of that."""
    return "not scored" if probability is None else f"fake probability {probability:.2f}"


def model_text(prediction: VideoPrediction) -> str:
    """Name and version of the model that answered."""
    if prediction.model_version is None:
        return f"model {prediction.model}, not asked"
    return f"model {prediction.model}, version {prediction.model_version}"


def answer_text(prediction: VideoPrediction) -> str:
    """`FAKE, fake probability 0.97`, or `NO VERDICT`."""
    if prediction.fake_probability is None:
        return verdict_text(prediction)
    return f"{verdict_text(prediction)}, {probability_text(prediction.fake_probability)}"


def remark_text(prediction: VideoPrediction) -> str:
    """What is to be said besides the verdict; empty if the whole video could be judged."""
    if not prediction.reason:
        return ""
    return percent_encode(f"{prediction.status.value}: {prediction.reason}")
