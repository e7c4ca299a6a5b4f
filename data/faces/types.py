"""The options by which faces are taken from a video, and the faces taken."""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, ClassVar

from annotated_types import Ge, Le

from data import contract
from data.ledger import Status
from data.unjudged import Unjudged, UnjudgedTrack


@dataclasses.dataclass(frozen=True)
class FaceOptions:
    """How faces are taken from a video: the section `faces` of an extraction's configuration.

    Pydantic checks the bounds where a configuration is read; the class itself does without it, for
    the processes that extract.

    Attributes:
        frames_per_video: frames that are searched, evenly spaced in time.
        every_nth_frame: every n-th frame is searched instead; None for `frames_per_video`.
        max_tracks: tracks of faces kept of a video, those seen longest and largest first.
        min_track_share: a track is kept only with a usable face in at least this share of the
            frames: a false detection seldom comes back at the same place.
        min_face_size: pixels of the box's shorter side; smaller faces are not usable.
        min_sharpness: `data.faces.cropping.sharpness`, which does not depend on a face's size;
            blurrier crops are not usable.
        rotated_faces: whether a frame without a face is searched again at 90, 180 and 270 degrees;
            crops of faces found so are set upright.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    frames_per_video: Annotated[int, Ge(1)] = 32
    every_nth_frame: Annotated[int, Ge(1)] | None = None
    max_tracks: Annotated[int, Ge(1)] = 16
    min_track_share: Annotated[float, Ge(0), Le(1)] = 0.05
    min_face_size: Annotated[float, Ge(0)] = 30.0
    min_sharpness: Annotated[float, Ge(0)] = 20.0
    rotated_faces: bool = False


@dataclasses.dataclass(frozen=True)
class VideoFaces:
    """The faces of one video.

    Attributes:
        status: `Status.OK`, `TRUNCATED`, `DAMAGED`, `NO_FACE`, `FACES_TOO_SMALL`,
            `TOO_BLURRED`, `UNREADABLE` or `MISSING`.
        reason: one sentence for people; empty if `status` is `OK`.
        faces: all faces of the tracks kept, sorted by track, then by time; empty if there is
            nothing to score, which is possible with `TRUNCATED` and `DAMAGED` too.
        measurements: of the video; zeros if it is unreadable.
        tracks_kept: tracks in `faces`; those of one person are joined where that is sure.
        crowded: whether a frame had `data.detectors.MAX_FACES` faces or more: there may be others
            that nobody found.
        unjudged: the other tracks, largest face first; at most `collector.MAX_UNJUDGED`.
        unjudged_counts: of all other tracks, how many there are by reason.
        at_original_boxes: whether the boxes are those of the original.
        usable_counts: usable faces seen of each track kept; more than in `faces` if the
            `FaceCollector` has a limit.
        perhaps_picture: of each track kept, whether it never moves while another does, see
            `data.faces.stillness`: perhaps a picture on a wall.
        times_s: presentation times of the sampled frames, seconds, rising.
    """

    status: Status
    reason: str
    faces: tuple[contract.FaceCrop, ...] = ()
    measurements: contract.Measurements = dataclasses.field(default_factory=contract.Measurements)
    tracks_kept: int = 0
    crowded: bool = False
    unjudged: tuple[UnjudgedTrack, ...] = ()
    unjudged_counts: Mapping[Unjudged, int] = dataclasses.field(default_factory=dict)
    at_original_boxes: bool = False
    usable_counts: tuple[int, ...] = ()
    perhaps_picture: tuple[bool, ...] = ()
    times_s: tuple[float, ...] = ()

    @property
    def tracks_left_out(self) -> int:
        """Tracks that are not in `faces`."""
        return sum(self.unjudged_counts.values())

    @property
    def usable_faces(self) -> tuple[contract.FaceCrop, ...]:
        """The faces that a model may judge, sorted by track, then by time."""
        return tuple(face for face in self.faces if face.usable)
