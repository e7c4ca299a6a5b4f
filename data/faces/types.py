"""What is asked of a video's faces, and what was found in it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from data import contract
from data.ledger import Status

if TYPE_CHECKING:
    from data.video import Video


@dataclasses.dataclass(frozen=True)
class FaceOptions:
    """How faces are taken from a video.

    Attributes:
        frames_per_video: frames looked at, evenly spaced in time.
        every_nth_frame: looks at every n-th frame instead; None for `frames_per_video`.
        max_tracks: tracks kept, those with the most usable faces first.
        min_track_share: a track counts if it has a usable face in at least this share of the
            frames looked at: a false detection seldom comes back at the same place.
        min_face_size: pixels; smaller faces (shorter side of the box) are not usable.
        min_sharpness: variance of the Laplacian; blurrier crops are not usable.
    """

    frames_per_video: int = 32
    every_nth_frame: int | None = None
    max_tracks: int = 4
    min_track_share: float = 0.1
    min_face_size: float = 30.0
    min_sharpness: float = 20.0


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
