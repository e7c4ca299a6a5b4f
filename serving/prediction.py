"""What is sent to a served model, and what it says about a video."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from data.contract import SCOPE, SCOPE_SENTENCE
from data.ledger import Status
from data.unjudged import Unjudged, UnjudgedTrack

if TYPE_CHECKING:
    from data.faces import VideoFaces


Payload = Literal["tracks", "frames"]
"""What a client sends: crops of tracked faces, or whole frames, in which the server finds them."""


LARGE_FACE_SHARE = 0.5
"""Of the largest judged face: a face that was passed over and is larger keeps a video from being
called real."""


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
        fake_probability: 0 to 1, by the mapping that was calibrated on videos; None if the
            model could not read the face.
        detection_score: the detector's confidence that it is a face, 0 to 1; None if not known.
        landmarks: five points as x, y pairs in the frame, pixels (10 numbers), as in
            `data.contract.FaceCrop`; empty if not known.
    """

    time_s: float
    box: tuple[float, float, float, float]
    fake_probability: float | None
    detection_score: float | None = None
    landmarks: tuple[float, ...] = ()


@dataclasses.dataclass(frozen=True)
class TrackPrediction:
    """A track: one face over time.

    Attributes:
        verdict: by the model's own thresholds; `ABSTAIN` if it could not read the faces.
        fake_probability: calibrated, 0 to 1; None if `verdict` is `ABSTAIN`.
        frames: the faces that were scored, by time.
        faces_seen: usable faces of the track, of which `frames` are all, or evenly spaced ones
            if the model takes fewer; None if not known.
        picture: JPEG or PNG of the crop with the largest score; empty if there is none.
        perhaps_picture: whether the face never moves while another does, as a picture on a wall.
    """

    verdict: Verdict
    fake_probability: float | None
    frames: tuple[FramePrediction, ...]
    faces_seen: int | None = None
    picture: bytes = dataclasses.field(default=b"", repr=False)
    perhaps_picture: bool = False


@dataclasses.dataclass(frozen=True)
class VideoFacts:
    """What was measured of a video while it was decoded.

    Attributes:
        width: pixels, after rotation.
        height: pixels, after rotation.
        fps: frames a second.
        duration_s: seconds.
        frames_declared: frames that the container claims.
        frames_decoded: frames that were decoded.
        frames_damaged: packets or frames that could not be decoded whole.
        times_s: presentation times of the sampled frames, rising.
        crowded: whether a frame had so many faces that others may not have been found.
        unjudged: tracks of faces that the model was not asked about, largest face first; at most
            100.
        unjudged_counts: how many such tracks there are, by reason.
    """

    width: int
    height: int
    fps: float
    duration_s: float
    frames_declared: int
    frames_decoded: int
    frames_damaged: int
    times_s: tuple[float, ...]
    crowded: bool = False
    unjudged: tuple[UnjudgedTrack, ...] = ()
    unjudged_counts: Mapping[Unjudged, int] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, video: VideoFaces) -> VideoFacts | None:
        """What the search for faces tells; None if no frame could be decoded."""
        if not video.measurements.frames_decoded:
            return None
        values = {**vars(video), **vars(video.measurements)}
        return cls(**{field.name: values[field.name] for field in dataclasses.fields(cls)})


@dataclasses.dataclass(frozen=True)
class VideoPrediction:
    """The answer about one video; `scope_sentences` says what it is about.

    Attributes:
        path: of the video, as the caller gave it.
        model: name of the model.
        model_version: of the model that answered; None if it was not asked.
        verdict: of the track most likely fake; `ABSTAIN` if there is nothing to score, or
            if that track is not `FAKE` and the model could not read another; `UNCERTAIN` instead
            of `REAL` if a large face was not judged, see `serving.client.verdicts`.
        fake_probability: of that track, calibrated, 0 to 1; None if `verdict` is `ABSTAIN`.
        status: what became of the video. Of an abstention, the reason: `NO_FACE`,
            `FACES_TOO_SMALL`, `TOO_BLURRED`, `UNREADABLE`, `MISSING`, `CRASHED`, `TIMEOUT`,
            or `TRUNCATED` or `DAMAGED` with no face left to score.
        reason: one sentence for people; empty if there is nothing to say.
        tracks: those that were judged, seen longest and largest first; empty if the model was not
            asked.
        facts: what was measured of the video; None if no frame could be decoded.
        scope: what the model's verdicts are about, as the model states it; None if it was not
            asked, or was exported before models stated it.
    """

    path: str
    model: str
    model_version: int | None
    verdict: Verdict
    fake_probability: float | None
    status: Status
    reason: str
    tracks: tuple[TrackPrediction, ...] = ()
    facts: VideoFacts | None = None
    scope: str | None = None


def scope_sentences(model_version: int | None, scope: str | None) -> list[str]:
    """What an answer is about, for people: of all models, and of this one where that differs.

    Args:
        model_version: of the answer; None if no model was asked.
        scope: of the answer.

    Example:
        >>> scope_sentences(1, "knows one face")[1]
        'Scope of this model: knows one face.'
        >>> len(scope_sentences(1, SCOPE)), len(scope_sentences(1, None))
        (1, 2)
    """
    if model_version is None or scope == SCOPE:
        return [SCOPE_SENTENCE]
    if scope is None:
        return [SCOPE_SENTENCE, "This model does not state its own scope."]
    return [SCOPE_SENTENCE, f"Scope of this model: {scope}."]
