"""What a served model says about a video."""

import dataclasses
import enum

from data import contract
from data.ledger import Status

SCOPE = f"unmask scores {contract.SCOPE}."
"""What a verdict is about; to be shown wherever one is given."""


class Verdict(str, enum.Enum):
    """The answer about a video or a track."""

    REAL = "real"
    FAKE = "fake"
    UNCERTAIN = "uncertain"
    ABSTAIN = "abstain"


@dataclasses.dataclass(frozen=True)
class FramePrediction:
    """One face of a track in one frame.

    Attributes:
        time_s: presentation time of the frame in seconds.
        box: x_min, y_min, x_max, y_max of the face in the frame, pixels.
        fake_probability: 0 to 1, by the same mapping as a track's, which is what is
            calibrated; None if the model could not read the face.
    """

    time_s: float
    box: tuple[float, float, float, float]
    fake_probability: float | None


@dataclasses.dataclass(frozen=True)
class TrackPrediction:
    """One person seen over time.

    Attributes:
        verdict: by the thresholds that the model carries; `ABSTAIN` if it could not read
            the faces.
        fake_probability: calibrated, 0 to 1; None if `verdict` is `ABSTAIN`.
        frames: the faces that were scored, by time.
    """

    verdict: Verdict
    fake_probability: float | None
    frames: tuple[FramePrediction, ...]


@dataclasses.dataclass(frozen=True)
class VideoPrediction:
    """The answer about one video; `SCOPE` says what it is about.

    Attributes:
        path: of the video, as it was given.
        model: name of the model.
        model_version: of the model that answered; None if it was not asked.
        verdict: of the track most likely fake; `ABSTAIN` if there is nothing to score, or
            if that track is not `FAKE` and the model could not read another.
        fake_probability: of that track, calibrated, 0 to 1; None if `verdict` is `ABSTAIN`.
        status: what became of the video. If `verdict` is `ABSTAIN`, why: `NO_FACE`,
            `FACES_TOO_SMALL`, `TOO_BLURRED`, `UNREADABLE`, `MISSING`, or `TRUNCATED` or
            `DAMAGED` with nothing left to score.
        reason: one sentence for people; empty if `status` is `OK`.
        tracks: the people seen, longest in view first; empty if the model was not asked.
    """

    path: str
    model: str
    model_version: int | None
    verdict: Verdict
    fake_probability: float | None
    status: Status
    reason: str
    tracks: tuple[TrackPrediction, ...] = ()
