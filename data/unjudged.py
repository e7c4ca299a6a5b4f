"""Tracks of faces that no model is asked about, and why: nobody is passed over in silence."""

import dataclasses
import enum


class Unjudged(str, enum.Enum):
    """Why a model is not asked about a track of faces."""

    TOO_SMALL = "too small"
    TOO_BLURRED = "too blurred"
    TOO_BRIEF = "seen too briefly"
    BEYOND_LIMIT = "beyond the limit"


@dataclasses.dataclass(frozen=True)
class UnjudgedTrack:
    """A track of faces that a model is not asked about.

    Attributes:
        reason: why not; the first that applies, in the order of `Unjudged`.
        faces_seen: how many faces it has.
        face_size: shorter side of its largest box, pixels.
        times_s: presentation times of its faces, seconds, rising; of a long track evenly spaced
            ones.
        boxes: the faces at these times: x_min, y_min, x_max, y_max, pixels.
    """

    reason: Unjudged
    faces_seen: int
    face_size: float
    times_s: tuple[float, ...]
    boxes: tuple[tuple[float, float, float, float], ...]
