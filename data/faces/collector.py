"""Collects the faces of successive frames into the tracks that are kept, in bounded memory."""

import collections
import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from data import contract
from data.detectors import MAX_FACES, Face
from data.faces import cropping, tracking
from data.faces.collected_track import CollectedTrack, Sighting, join
from data.faces.descriptors import face_descriptor
from data.faces.types import FaceOptions, VideoFaces
from data.ledger import Status
from data.unjudged import Unjudged, UnjudgedTrack
from data.video import Frame

MIN_DECODED_FRACTION = 0.5
"""A damaged or truncated video is used if at least this share of its frames was decoded."""

THINNING = 4
"""A track keeps up to this many times the faces that will be chosen of it, so that these lie nearly
as evenly as if all had been kept."""


MAX_UNJUDGED = 100
"""Tracks that are described though no model is asked about them; of more there are only counts."""


class FaceCollector:
    """Crops the faces of one frame after another, joins them to tracks and chooses among these.

    Tracks of one person are joined across gaps, see `data.faces.joining`. No frame is held. The
    crops of a track that has ended are dropped as soon as `max_tracks` others are seen longer and
    larger: it cannot be chosen any more.

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
        self._tracks: dict[int, CollectedTrack] = {}
        self._forgotten: collections.Counter[Unjudged] = collections.Counter()
        self._times_s: list[float] = []
        self._crowded = False

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
        self._crowded |= len(faces) >= MAX_FACES
        crops = [
            np.ascontiguousarray(
                np.rot90(cropping.crop_face(frame.image, face.box.tolist()), face.quarter_turns)
            )
            for face in faces
        ]
        # Faces that are too small or blurred are tracked too: they must not break a track.
        descriptors = [face_descriptor(crop) for crop in crops]
        numbers = self._tracker.update([face.box for face in faces], descriptors)
        new = any(number not in self._tracks for number in numbers)
        self._see(numbers, faces, descriptors)
        for number, face, crop in zip(numbers, faces, crops, strict=True):
            size = float(min(face.box[2:] - face.box[:2]))
            large = size >= self._options.min_face_size
            sharpness = cropping.sharpness(crop)
            self._keep(
                size,
                large,
                contract.FaceCrop(
                    image=cropping.encode_jpeg(crop),
                    track=number,
                    time_s=frame.time_s,
                    box=tuple(face.box.tolist()),
                    # Those of a crop that was set upright would not lie where its box says.
                    landmarks=(float("nan"),) * len(face.landmarks)
                    if face.quarter_turns
                    else tuple(face.landmarks.tolist()),
                    score=face.score,
                    sharpness=sharpness,
                    raw_sharpness=cropping.raw_sharpness(crop),
                    usable=large and sharpness >= self._options.min_sharpness,
                ),
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
        tracks = self._joined()
        chosen = [t for t in tracks if t.salience and t.usable_count >= self._least]
        kept = chosen = chosen[: self._options.max_tracks]
        status, reason = self._status(video)
        if not kept and any(track.usable_count for track in self._tracks.values()):
            status = Status.NO_FACE
            reason = f"no usable face was seen in {self._least} frames or more"
        whole = max(video.packets, video.frames_declared)
        if kept and video.frames_decoded < MIN_DECODED_FRACTION * whole:
            kept = []
            if status is Status.OK:  # the decoder passed over frames without a word
                status = Status.DAMAGED
                reason = f"only {video.frames_decoded} of {whole} frames could be decoded"
            reason += ": too few to judge it by"
        unjudged = self._unjudged(tracks, chosen)
        return VideoFaces(
            status=status,
            reason=reason,
            faces=tuple(
                dataclasses.replace(face, track=rank)
                for rank, track in enumerate(kept)
                for face in track.faces
            ),
            measurements=video,
            tracks_kept=len(kept),
            crowded=self._crowded,
            unjudged=tuple(unjudged[:MAX_UNJUDGED]),
            unjudged_counts=dict(
                self._forgotten + collections.Counter(track.reason for track in unjudged)
            ),
            usable_counts=tuple(track.usable_count for track in kept),
            perhaps_picture=tuple(track.is_perhaps_picture(tracks) for track in kept),
            times_s=tuple(self._times_s),
        )

    @property
    def _least(self) -> int:
        """Usable faces that a track needs so far."""
        return max(1, math.ceil(self._options.min_track_share * len(self._times_s)))

    def _joined(self) -> list[CollectedTrack]:
        """All tracks, those of one person as one, by falling salience, then by first appearance."""
        tracks = [
            CollectedTrack.joined([self._tracks[number] for number in group])
            for group in self._groups(list(self._tracks))
        ]
        return sorted(tracks, key=lambda track: -track.salience)

    def _groups(self, numbers: Sequence[int]) -> list[list[int]]:
        """The numbers of tracks by person."""
        groups = join([self._tracks[number] for number in numbers])
        return [[numbers[place] for place in group] for group in groups]

    def _unjudged(
        self, tracks: Sequence[CollectedTrack], chosen: Sequence[CollectedTrack]
    ) -> list[UnjudgedTrack]:
        """All tracks but the chosen ones, largest face first."""
        judged = {id(track) for track in chosen}
        described = [
            UnjudgedTrack(
                reason=self._why_unjudged(track),
                faces_seen=track.sightings.seen,
                face_size=track.face_size,
                times_s=tuple(seen.time_s for seen in track.sightings),
                boxes=tuple(seen.box for seen in track.sightings),
            )
            for track in tracks
            if id(track) not in judged
        ]
        return sorted(described, key=lambda track: -track.face_size)

    def _why_unjudged(self, track: CollectedTrack) -> Unjudged:
        if not track.is_large:
            return Unjudged.TOO_SMALL
        if not track.usable_count:
            return Unjudged.TOO_BLURRED
        return Unjudged.TOO_BRIEF if track.usable_count < self._least else Unjudged.BEYOND_LIMIT

    def _see(
        self,
        numbers: Sequence[int],
        faces: Sequence[Face],
        descriptors: Sequence[npt.NDArray[np.float32]],
    ) -> None:
        """Notes where the faces of the latest frame are, how they look, and who is in it."""
        limit = self._faces_per_track
        for number, face, descriptor in zip(numbers, faces, descriptors, strict=True):
            sighting = Sighting(len(self._times_s), self._times_s[-1], tuple(face.box.tolist()))
            if number not in self._tracks:
                self._tracks[number] = CollectedTrack.begun(
                    number, sighting, limit and THINNING * limit
                )
            self._tracks[number].see(sighting, descriptor)
            self._tracks[number].seen_with.update(set(numbers) - {number})

    def _keep(self, size: float, large: bool, face: contract.FaceCrop) -> None:
        """Adds a face to its track; keeps its crop if it may be chosen."""
        track = self._tracks[face.track]
        track.face_size = max(track.face_size, size)
        track.is_large |= large
        if face.usable:
            track.usable_count += 1
            track.salience += size
        if face.usable or self._faces_per_track is None:
            track.faces.add(face)

    def _evict(self) -> None:
        """Drops what is not needed of tracks that have ended and cannot be chosen any more."""
        if len(self._tracks) <= self._options.max_tracks:
            return
        open_tracks = self._tracker.open_tracks
        held = [number for number, track in self._tracks.items() if track.faces]
        groups = self._groups(held)
        groups.sort(key=lambda group: -sum(self._tracks[number].salience for number in group))
        for rank, group in enumerate(groups):
            ended = [number for number in group if number not in open_tracks]
            if rank >= self._options.max_tracks:
                for number in ended:
                    self._tracks[number].drop_faces()
            elif ended:
                self._join(ended)
        self._forget(open_tracks)

    def _forget(self, open_tracks: set[int]) -> None:
        """Of the ended tracks without crops, keeps the largest and counts the others."""
        ended = [n for n, t in self._tracks.items() if not t.faces and n not in open_tracks]
        if len(ended) <= MAX_UNJUDGED:
            return
        for group in self._groups(ended):
            self._join(group)
        ended = [number for number in ended if number in self._tracks]
        ended.sort(key=lambda number: -self._tracks[number].face_size)
        for number in ended[MAX_UNJUDGED:]:
            self._forgotten[self._why_unjudged(self._tracks[number])] += 1
            self._rename(number, None)
            del self._tracks[number]

    def _join(self, numbers: Sequence[int]) -> None:
        """Joins ended tracks for good: a person who comes and goes all day stays one track."""
        first, *others = numbers
        if not others:
            return
        self._tracks[first] = CollectedTrack.joined([self._tracks[n] for n in numbers])
        self._tracks[first].numbers = {first}
        for number in others:
            self._rename(number, first)
            del self._tracks[number]

    def _rename(self, number: int, new: int | None) -> None:
        """Changes a number in the notes of who was seen with whom; None removes it."""
        for track in self._tracks.values():
            if number in track.seen_with:
                track.seen_with.remove(number)
                track.seen_with.update(() if new is None else (new,))

    def _status(self, video: contract.Measurements) -> tuple[Status, str]:
        options = self._options
        tracks = self._tracks.values()
        if video.frames_decoded == 0:
            return Status.UNREADABLE, "no frame of it could be decoded"
        if not tracks:
            return Status.NO_FACE, f"no face in the {len(self._times_s)} frames looked at"
        if not any(track.is_large for track in tracks):
            return Status.FACES_TOO_SMALL, f"every face is below {options.min_face_size:g} pixels"
        if not any(track.usable_count for track in tracks):
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
