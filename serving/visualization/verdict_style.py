"""How verdicts look: colour, sign and text say the same, so that no reader needs all three."""

import dataclasses
from collections.abc import Mapping

from PIL import ImageDraw

from data.ledger import Status, percent_encode
from data.unjudged import Unjudged
from serving.prediction import TrackPrediction, Verdict, VideoPrediction


@dataclasses.dataclass(frozen=True)
class VerdictStyle:
    """How one verdict is drawn.

    Attributes:
        colour: red, green, blue, 0 to 255, from Okabe and Ito's palette, which colour-blind
            people can distinguish (jfly.uni-koeln.de/color, 2008).
        sign: strokes, each a list of points in a unit square, x right, y down.
        dash: lengths of dashes and gaps of the box, in line widths; empty for a solid line.
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

UNJUDGED_STYLE = VerdictStyle((255, 255, 255), _BAR, (1, 3))
"""Of faces that the model was not asked about."""


def draw_sign(pen: ImageDraw.ImageDraw, verdict: Verdict, left: int, top: int, side: int) -> None:
    """Draws a verdict's sign in black on a square of its colour.

    Args:
        pen: draws on an RGB image.
        verdict: the verdict.
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
    """The verdict for readers: `FAKE`, or `NO VERDICT` of an abstention.

    Example:
        >>> verdict_text(TrackPrediction(Verdict.ABSTAIN, None, frames=()))
        'NO VERDICT'
    """
    return "NO VERDICT" if answer.verdict is Verdict.ABSTAIN else answer.verdict.name


def probability_text(probability: float | None) -> str:
    """The probability with its meaning: beside `REAL`, a bare number would be misread.

    Example:
        >>> probability_text(0.97)
        'fake probability 0.97'
        >>> probability_text(None)
        'not scored'
    """
    return "not scored" if probability is None else f"fake probability {probability:.2f}"


def model_text(prediction: VideoPrediction) -> str:
    """Name and version of the model that answered.

    Example:
        >>> from data.ledger import Status
        >>> missing = VideoPrediction(
        ...     "a.mp4", "xception", None, Verdict.ABSTAIN, None, Status.MISSING, "no such file"
        ... )
        >>> model_text(missing)
        'model xception, not asked'
    """
    if prediction.model_version is None:
        return f"model {prediction.model}, not asked"
    return f"model {prediction.model}, version {prediction.model_version}"


def answer_text(prediction: VideoPrediction) -> str:
    """Verdict and probability.

    Example:
        >>> from data.ledger import Status
        >>> answer_text(
        ...     VideoPrediction("a.mp4", "xception", 1, Verdict.FAKE, 0.97, Status.OK, "")
        ... )
        'FAKE, fake probability 0.97'
    """
    if prediction.fake_probability is None:
        return verdict_text(prediction)
    return f"{verdict_text(prediction)}, {probability_text(prediction.fake_probability)}"


def unjudged_text(prediction: VideoPrediction) -> str:
    """How many tracks of faces were not judged, and why; empty if there are none.

    Example:
        >>> from data.ledger import Status
        >>> from data.unjudged import Unjudged
        >>> from serving.prediction import VideoFacts
        >>> counts = {Unjudged.TOO_SMALL: 2, Unjudged.BEYOND_LIMIT: 1}
        >>> facts = VideoFacts(640, 360, 25.0, 1.0, 25, 25, 0, (), unjudged_counts=counts)
        >>> unjudged_text(
        ...     VideoPrediction(
        ...         "a.mp4", "xception", 1, Verdict.FAKE, 0.97, Status.OK, "", facts=facts
        ...     )
        ... )
        'not judged: 3 (2 too small, 1 beyond the limit)'
    """
    facts = prediction.facts
    if facts is None or not (facts.unjudged_counts or facts.crowded):
        return ""
    counts = facts.unjudged_counts
    reasons = [f"{counts[reason]} {reason.value}" for reason in Unjudged if reason in counts]
    if facts.crowded:
        reasons.append("and perhaps others in the crowd that were not found")
    return f"not judged: {sum(counts.values())} ({', '.join(reasons)})"


def picture_text(prediction: VideoPrediction) -> str:
    """Which tracks are perhaps pictures, by their numbers from 1; empty if none is.

    Example:
        >>> from data.ledger import Status
        >>> tracks = [
        ...     TrackPrediction(Verdict.REAL, 0.1, (), perhaps_picture=still)
        ...     for still in (False, True)
        ... ]
        >>> picture_text(
        ...     VideoPrediction(
        ...         "a.mp4", "xception", 1, Verdict.REAL, 0.1, Status.OK, "", tuple(tracks)
        ...     )
        ... )
        'track 2 never moves: perhaps a picture'
    """
    numbers = [
        str(number) for number, track in enumerate(prediction.tracks, 1) if track.perhaps_picture
    ]
    if not numbers:
        return ""
    if len(numbers) == 1:
        return f"track {numbers[0]} never moves: perhaps a picture"
    return f"tracks {', '.join(numbers[:-1])} and {numbers[-1]} never move: perhaps pictures"


def remark_text(prediction: VideoPrediction) -> str:
    """Status and reason, who was not judged, and what is perhaps a picture.

    It is empty if everybody in the whole video was judged and seems alive.

    Example:
        >>> from data.ledger import Status
        >>> missing = VideoPrediction(
        ...     "a.mp4", "xception", None, Verdict.ABSTAIN, None, Status.MISSING, "no such file"
        ... )
        >>> remark_text(missing)
        'missing: no such file'
    """
    status = prediction.status
    reason = prediction.reason if status is Status.OK else f"{status.value}: {prediction.reason}"
    remarks = [reason, unjudged_text(prediction), picture_text(prediction)]
    return percent_encode("; ".join(filter(None, remarks)))
