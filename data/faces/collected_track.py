"""What is kept of a track while the frames of a video go by, in bounded memory."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from data.contract import FaceCrop
from data.faces import joining, stillness

_Item = TypeVar("_Item")

MAX_SIGHTINGS = 64
"""Boxes that are kept of a track."""


class Thinned(list[_Item]):
    """The items of a series, or, of one longer than `limit`, every second, fourth, ... of them.

    Attributes:
        seen: items of the series.

    Example:
        >>> series = Thinned(limit=4)
        >>> for number in range(10):
        ...     series.add(number)
        >>> series, series.seen
        ([0, 4, 8], 10)
    """

    def __init__(self, limit: int | None) -> None:
        super().__init__()
        self._limit = limit
        self._stride = 1
        self.seen = 0

    def add(self, item: _Item) -> None:
        """Takes the next item of the series."""
        if self.seen % self._stride == 0:
            self.append(item)
            self._thin()
        self.seen += 1

    @classmethod
    def merged(
        cls, series: "Sequence[Thinned[_Item]]", key: Callable[[_Item], float]
    ) -> "Thinned[_Item]":
        """Several series as one in the order of a key, as thin as the thinnest of them."""
        merged = cls(series[0]._limit)
        merged._stride = max(one._stride for one in series)
        merged.seen = sum(one.seen for one in series)
        for one in series:
            merged += one[:: merged._stride // one._stride]
        merged.sort(key=key)
        merged._thin()
        return merged

    def _thin(self) -> None:
        while self._limit is not None and len(self) > self._limit:
            self[:] = self[::2]
            self._stride *= 2


@dataclasses.dataclass(frozen=True)
class Sighting:
    """Where a face was in a sampled frame.

    Attributes:
        frame: number of the sampled frame.
        time_s: its presentation time, seconds.
        box: x_min, y_min, x_max, y_max, pixels.
    """

    frame: int
    time_s: float
    box: tuple[float, float, float, float]


@dataclasses.dataclass
class CollectedTrack:
    """What is known of a track, or of several that were joined.

    Attributes:
        numbers: of the track, or of those that were joined.
        faces: crops that are kept: usable ones, or all.
        sightings: of faces, usable or not.
        descriptors: of faces, each with the number of its sampled frame.
        first: the first sighting.
        last: the last one.
        seen_with: numbers of tracks that were seen in one frame with this one.
        usable_count: usable faces.
        salience: sum of the sizes of usable faces, pixels: how long and how large it is seen.
        face_size: of the largest face, pixels.
        is_large: whether a face is large enough to be usable.
    """

    numbers: set[int]
    faces: Thinned[FaceCrop]
    sightings: Thinned[Sighting]
    descriptors: Thinned[tuple[int, npt.NDArray[np.float32]]]
    first: Sighting
    last: Sighting
    seen_with: set[int]
    usable_count: int = 0
    salience: float = 0.0
    face_size: float = 0.0
    is_large: bool = False

    @classmethod
    def begun(cls, number: int, first: Sighting, max_faces: int | None) -> "CollectedTrack":
        """A track that begins with this sighting, still without a face.

        Args:
            number: of the track.
            first: its first sighting.
            max_faces: crops that are kept of it; None for all.
        """
        return cls(
            numbers={number},
            faces=Thinned(max_faces),
            sightings=Thinned(MAX_SIGHTINGS),
            descriptors=Thinned(joining.MAX_DESCRIPTORS),
            first=first,
            last=first,
            seen_with=set(),
        )

    @classmethod
    def joined(cls, tracks: "Sequence[CollectedTrack]") -> "CollectedTrack":
        """Tracks of one person as one: faces and sightings by time, counts summed."""
        return cls(
            numbers=set().union(*(t.numbers for t in tracks)),
            faces=Thinned.merged([t.faces for t in tracks], lambda face: face.time_s),
            sightings=Thinned.merged([t.sightings for t in tracks], lambda seen: seen.frame),
            descriptors=Thinned.merged([t.descriptors for t in tracks], lambda pair: pair[0]),
            first=min((t.first for t in tracks), key=lambda seen: seen.frame),
            last=max((t.last for t in tracks), key=lambda seen: seen.frame),
            seen_with=set().union(*(t.seen_with for t in tracks)),
            usable_count=sum(t.usable_count for t in tracks),
            salience=sum(t.salience for t in tracks),
            face_size=max(t.face_size for t in tracks),
            is_large=any(t.is_large for t in tracks),
        )

    def see(self, sighting: Sighting, descriptor: npt.NDArray[np.float32]) -> None:
        """Takes where the face is next, and how it looks."""
        self.sightings.add(sighting)
        self.descriptors.add((sighting.frame, descriptor))
        self.last = sighting

    def drop_faces(self) -> None:
        """Frees the crops: the track cannot be chosen any more."""
        self.faces.clear()
        self.salience = 0.0

    def is_perhaps_picture(self, tracks: "Iterable[CollectedTrack]") -> bool:
        """Whether the face never moves while another of the same frames does.

        Args:
            tracks: all tracks of the video; this one may be among them.
        """
        boxes = [seen.box for seen in self.sightings]
        if not stillness.is_still(boxes, [descriptor for _, descriptor in self.descriptors]):
            return False
        return any(
            self.numbers & other.seen_with
            and stillness.moves_between(
                [seen.time_s for seen in other.sightings],
                [seen.box for seen in other.sightings],
                self.first.time_s,
                self.last.time_s,
            )
            for other in tracks
        )

    def summary(self) -> joining.TrackSummary:
        """What joining needs to know."""
        return joining.TrackSummary(
            np.stack([descriptor for _, descriptor in self.descriptors]),
            self.first.frame,
            self.last.frame,
            self.first.box,
            self.last.box,
        )


def join(tracks: Sequence[CollectedTrack]) -> list[list[int]]:
    """The places of each person's tracks among these, as from `joining.join_tracks`."""
    together = [[bool(one.numbers & other.seen_with) for other in tracks] for one in tracks]
    return joining.join_tracks(
        joining.pairwise_costs([track.summary() for track in tracks]),
        np.array(together, bool).reshape(len(tracks), len(tracks)),
    )
