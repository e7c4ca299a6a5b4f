"""The options by which faces are taken from a video, and the faces taken."""

import dataclasses
from typing import Annotated, ClassVar

from annotated_types import Ge, Le

from data import contract
from data.ledger import Status


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
        min_sharpness: `data.faces.cropping.sharpness`, which does not depend on a face's size;
            blurrier crops are not usable.
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
    """The faces of one video.

    Attributes:
        status: `Status.OK`, `TRUNCATED`, `DAMAGED`, `NO_FACE`, `FACES_TOO_SMALL`,
            `TOO_BLURRED`, `UNREADABLE` or `MISSING`.
        reason: one sentence for people; empty if `status` is `OK`.
        faces: all faces of the tracks kept, sorted by track, then by time; empty if there is
            nothing to score, which is possible with `TRUNCATED` and `DAMAGED` too.
        measurements: of the video; zeros if it is unreadable.
        tracks_kept: tracks in `faces`.
        tracks_left_out: tracks with usable faces beyond `max_tracks` or seen too briefly.
        at_original_boxes: whether the boxes are those of the original.
        usable_counts: usable faces seen of each track kept; more than in `faces` if the
            `FaceCollector` has a limit.
        times_s: presentation times of the sampled frames, seconds, rising.
    """

    status: Status
    reason: str
    faces: tuple[contract.FaceCrop, ...] = ()
    measurements: contract.Measurements = dataclasses.field(default_factory=contract.Measurements)
    tracks_kept: int = 0
    tracks_left_out: int = 0
    at_original_boxes: bool = False
    usable_counts: tuple[int, ...] = ()
    times_s: tuple[float, ...] = ()

    @property
    def usable_faces(self) -> tuple[contract.FaceCrop, ...]:
        """The faces that a model may judge, sorted by track, then by time."""
        return tuple(face for face in self.faces if face.usable)
