"""Collects the faces of successive frames into the tracks that are kept, in bounded memory."""

import dataclasses
import math
from collections.abc import Sequence

from data import contract
from data.detectors import Face
from data.faces import cropping, tracking
from data.faces.descriptors import face_descriptor
from data.faces.types import FaceOptions, VideoFaces
from data.ledger import Status
from data.video import Frame

MIN_DECODED_FRACTION = 0.5
"""A damaged or truncated video is used if at least this share of its frames was decoded."""

THINNING = 4
"""A track keeps up to this many times the faces that will be chosen of it, so that these lie nearly
as evenly as if all had been kept."""


@dataclasses.dataclass
class _TrackFaces:
    """The faces that are kept of a track: every `stride`-th usable one, or all."""

    faces: list[contract.FaceCrop] = dataclasses.field(default_factory=list)
    stride: int = 1


class FaceCollector:
    """Crops the faces of one frame after another, joins them to tracks and chooses among these.

    No frame is held. The crops of a track that has ended are dropped as soon as `max_tracks`
    others have more usable faces: it cannot be chosen any more.

    Args:
        options: which faces are good enough, and how many tracks are kept.
        faces_per_track: usable faces that will be chosen of a track, evenly spread. Whenever a
            track has more than `THINNING` times as many, every second one is dropped. None keeps
            all faces, also those that are not usable.
    """

    def __init__(self, options: FaceOptions, *, faces_per_track: int | None = None) -> None:
        self._options = options
        self._faces_per_track = faces_per_track
        self._tracker = tracking.Tracker()
        self._tracks: dict[int, _TrackFaces] = {}
        self._usable_counts: dict[int, int] = {}
        self._times_s: list[float] = []
        self._any_face = self._any_large = False

    @property
    def faces_held(self) -> int:
        """Crops that are kept now."""
        return sum(len(track.faces) for track in self._tracks.values())

    def add(self, frame: Frame, faces: Sequence[Face]) -> None:
        """Takes the next sampled frame.

        Args:
            frame: no earlier than the one before.
            faces: those of the frame; may be empty.
        """
        self._times_s.append(frame.time_s)
        crops = [cropping.crop_face(frame.image, face.box.tolist()) for face in faces]
        # Faces that are too small or blurred are tracked too: they must not break a track.
        numbers = self._tracker.update(
            [face.box for face in faces], [face_descriptor(crop) for crop in crops]
        )
        new = any(number not in self._usable_counts for number in numbers)
        for number, face, crop in zip(numbers, faces, crops, strict=True):
            sharpness = cropping.sharpness(crop)
            large = bool(min(face.box[2:] - face.box[:2]) >= self._options.min_face_size)
            self._any_face, self._any_large = True, self._any_large or large
            self._keep(
                contract.FaceCrop(
                    image=cropping.encode_jpeg(crop),
                    track=number,
                    time_s=frame.time_s,
                    box=tuple(face.box.tolist()),
                    landmarks=tuple(face.landmarks.tolist()),
                    score=face.score,
                    sharpness=sharpness,
                    raw_sharpness=cropping.raw_sharpness(crop),
                    usable=large and sharpness >= self._options.min_sharpness,
                )
            )
        if new:
            self._evict()

    def result(self, video: contract.Measurements) -> VideoFaces:
        """Chooses among the tracks, and names the outcome.

        Args:
            video: what was measured of the frames' video.

        Returns:
            The faces with their status; `faces` is empty exactly if there is nothing to score.
        """
        order = tracking.rank_tracks(self._usable_counts)
        counts = [self._usable_counts[number] for number in order]
        least = max(1, math.ceil(self._options.min_track_share * len(self._times_s)))
        # By falling count, the tracks to keep are the first ones.
        kept = min(self._options.max_tracks, sum(count >= least for count in counts))
        faces = tuple(
            dataclasses.replace(face, track=rank)
            for rank, number in enumerate(order[:kept])
            for face in self._tracks[number].faces
        )
        status, reason = self._status(video)
        if any(counts) and not faces:
            status, reason = Status.NO_FACE, f"no usable face was seen in {least} frames or more"
        used = bool(faces) and status in (Status.OK, Status.TRUNCATED, Status.DAMAGED)
        whole = max(video.packets, video.frames_declared)
        if used and video.frames_decoded < MIN_DECODED_FRACTION * whole:
            used = False
            if status is Status.OK:  # the decoder passed over frames without a word
                status = Status.DAMAGED
                reason = f"only {video.frames_decoded} of {whole} frames could be decoded"
            reason += ": too few to judge it by"
        tracks_kept = kept if used else 0
        return VideoFaces(
            status=status,
            reason=reason,
            faces=faces if used else (),
            measurements=video,
            tracks_kept=tracks_kept,
            tracks_left_out=sum(count > 0 for count in counts) - tracks_kept,
            usable_counts=tuple(counts[:tracks_kept]),
            times_s=tuple(self._times_s),
        )

    def _keep(self, face: contract.FaceCrop) -> None:
        """Keeps a face if it may be chosen."""
        count = self._usable_counts.setdefault(face.track, 0)
        self._usable_counts[face.track] += face.usable
        track = self._tracks.setdefault(face.track, _TrackFaces())
        if self._faces_per_track is None:
            track.faces.append(face)
        elif face.usable and count % track.stride == 0:
            track.faces.append(face)
            if len(track.faces) > THINNING * self._faces_per_track:
                track.faces = track.faces[::2]
                track.stride *= 2

    def _evict(self) -> None:
        """Drops the crops of tracks that cannot be chosen any more."""
        open_tracks = self._tracker.open_tracks
        best = tracking.rank_tracks(self._usable_counts)[: self._options.max_tracks]
        for number in self._tracks.keys() - open_tracks - set(best):
            del self._tracks[number]

    def _status(self, video: contract.Measurements) -> tuple[Status, str]:
        options = self._options
        if video.frames_decoded == 0:
            return Status.UNREADABLE, "no frame of it could be decoded"
        if not self._any_face:
            return Status.NO_FACE, f"no face in the {len(self._times_s)} frames looked at"
        if not self._any_large:
            return Status.FACES_TOO_SMALL, f"every face is below {options.min_face_size:g} pixels"
        if not any(self._usable_counts.values()):
            return Status.TOO_BLURRED, f"every face's sharpness is below {options.min_sharpness:g}"
        if video.truncated:
            return (
                Status.TRUNCATED,
                f"the file ends early: {video.frames_decoded} of {video.frames_declared} frames",
            )
        if video.frames_damaged:
            return (
                Status.DAMAGED,
                f"{video.frames_damaged} packets or frames were damaged, "
                f"{video.frames_decoded} whole",
            )
        return Status.OK, ""
