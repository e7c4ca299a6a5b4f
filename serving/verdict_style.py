"""How verdicts look: colour, sign and text together, so that none of them is needed alone."""

import dataclasses
from collections.abc import Mapping

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

    @property
    def hexadecimal(self) -> str:
        """The colour as `#rrggbb`."""
        return "#{:02x}{:02x}{:02x}".format(*self.colour)


_CROSS = (((0.2, 0.2), (0.8, 0.8)), ((0.2, 0.8), (0.8, 0.2)))
_TICK = (((0.12, 0.55), (0.4, 0.82), (0.88, 0.2)),)
_QUESTION = (
    ((0.26, 0.34), (0.33, 0.16), (0.5, 0.1), (0.67, 0.16), (0.74, 0.33), (0.52, 0.53), (0.5, 0.68)),
    ((0.5, 0.88), (0.5, 0.9)),
)
_BAR = (((0.2, 0.5), (0.8, 0.5)),)

STYLES: Mapping[Verdict, VerdictStyle] = {
    Verdict.FAKE: VerdictStyle((213, 94, 0), _CROSS),
    Verdict.REAL: VerdictStyle((86, 180, 233), _TICK),
    Verdict.UNCERTAIN: VerdictStyle((240, 228, 66), _QUESTION, (5, 3)),
    Verdict.ABSTAIN: VerdictStyle((170, 170, 170), _BAR, (2, 3)),
}


def verdict_text(answer: TrackPrediction | VideoPrediction) -> str:
    """`FAKE 0.97`, or `NO VERDICT` of what was not scored."""
    if answer.fake_probability is None:
        return "NO VERDICT"
    return f"{answer.verdict.name} {answer.fake_probability:.2f}"


def model_text(prediction: VideoPrediction) -> str:
    """Name and version of the model that answered."""
    if prediction.model_version is None:
        return f"model {prediction.model}, not asked"
    return f"model {prediction.model}, version {prediction.model_version}"


def remark_text(prediction: VideoPrediction) -> str:
    """What is to be said besides the verdict; empty if the whole video could be judged."""
    if not prediction.reason:
        return ""
    return percent_encode(f"{prediction.status.value}: {prediction.reason}")
