"""What is asked of a video's faces, and what was found in it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from data import contract
from data.ledger import Status

if TYPE_CHECKING:
    from data.video import Video


@dataclasses.dataclass(frozen=True)
class FaceOptions:
    """How faces are taken from a video: the section `faces` of an extraction's configuration.

    Pydantic checks the bounds where a configuration is read; the class itself does without it, for
    the processes that extract.

    Attributes:
        frames_per_video: frames that are searched, evenly spaced in time.
        every_nth_frame: every n-th frame is searched instead; None for `frames_per_video`.
        max_tracks: people kept of a video, those with the most usable faces first.
        min_track_share: a person is kept only with a usable face in at least this share of the
            frames: a false detection seldom comes back at the same place.
        min_face_size: pixels of the box's shorter side; smaller faces are not usable.
        min_sharpness: variance of the Laplacian; blurrier crops are not usable.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    frames_per_video: Annotated[int, Ge(1)] = 32
    every_nth_frame: Annotated[int, Ge(1)] | None = None
    max_tracks: Annotated[int, Ge(1)] = 4
    min_track_share: Annotated[float, Ge(0), Le(1)] = 0.1
    min_face_size: Annotated[float, Ge(0)] = 30.0
    min_sharpness: Annotated[float, Ge(0)] = 20.0


@dataclasses.dataclass(frozen=True)
class VideoFaces:
    """What was found in one video.

    Attributes:
        status: `Status.OK`, `TRUNCATED`, `DAMAGED`, `NO_FACE`, `FACES_TOO_SMALL`,
            `TOO_BLURRED`, `UNREADABLE` or `MISSING`.
        reason: one sentence for people; empty if `status` is `OK`.
        faces: all faces of the tracks kept, sorted by track, then by time; empty where there is
            nothing to score, which `TRUNCATED` and `DAMAGED` alone do not say.
        width: pixels, after rotation; 0 if unreadable, as are the following.
        height: pixels, after rotation.
        fps: measured frames a second.
        duration_s: measured seconds.
        bit_rate: file size over measured duration, bits a second.
        frames_declared: frames that the container's index claims.
        frames_decoded: frames that were decoded.
        frames_damaged: packets or frames that could not be decoded whole.
        tracks_kept: tracks in `faces`.
        tracks_left_out: tracks with usable faces beyond `max_tracks` or seen too briefly.
        boxes_given: whether the boxes are those of the original.
        usable_counts: usable faces seen of each track kept; more than are in `faces` where a
            `FaceCollector` was told how many to keep.
        times_s: presentation times of the frames looked at, seconds, rising.
    """

    status: Status
    reason: str
    faces: tuple[contract.FaceCrop, ...] = ()
    width: int = 0
    height: int = 0
    fps: float = 0.0
    duration_s: float = 0.0
    bit_rate: float = 0.0
    frames_declared: int = 0
    frames_decoded: int = 0
    frames_damaged: int = 0
    tracks_kept: int = 0
    tracks_left_out: int = 0
    boxes_given: bool = False
    usable_counts: tuple[int, ...] = ()
    times_s: tuple[float, ...] = ()

    @property
    def usable_faces(self) -> tuple[contract.FaceCrop, ...]:
        """What a model may be asked about, sorted by track, then by time."""
        return tuple(face for face in self.faces if face.usable)


@dataclasses.dataclass(frozen=True)
class Measurements:
    """What was measured of a video while it was decoded.

    Attributes:
        width: pixels, after rotation; 0 if nothing was decoded.
        height: pixels, after rotation; 0 if nothing was decoded.
        fps: frames a second; 0 if not known.
        duration_s: seconds.
        bit_rate: bits a second; 0 if not known.
        packets: packets that are to be shown; 0 if not known.
        frames_declared: frames that the container claims; 0 if it claims nothing.
        frames_decoded: frames that were decoded.
        frames_damaged: packets or frames that could not be decoded whole.
        truncated: whether the file ends well before its index or duration says.
    """

    width: int
    height: int
    fps: float
    duration_s: float
    bit_rate: float
    packets: int
    frames_declared: int
    frames_decoded: int
    frames_damaged: int
    truncated: bool

    @classmethod
    def of(cls, video: Video) -> Measurements:
        """Of a video whose frames were read."""
        return cls(**{field.name: getattr(video, field.name) for field in dataclasses.fields(cls)})
