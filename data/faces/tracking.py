"""Joins the faces of successive frames into tracks: one person seen over time.

A track that is broken in two costs little; one that mixes two people spoils both. So a face joins
a track only if it looks like the track's person, lies where that person may be by now, and no
other track or face of the frame matches nearly as well.
"""

import dataclasses

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

MAX_GAP = 3
"""Sampled frames that a track may miss without ending."""

# Costs are distances between descriptors plus the penalties below. Measured with MTCNN's boxes in
# eight real clips, some of which cut between cameras: matches cost 0.18 in the middle and 0.32 at
# most with 32 frames a clip, 0.22 and 0.356 with 8. Of pairs of two people in the same place
# before the same background, one in a hundred is 0.36 apart or less.
MAX_COST = 0.36
MIN_MARGIN = 0.08
"""By how much the second best match must be worse."""
POSITION_WEIGHT = 0.11
"""Cost of one face's width between where a face is and where it should be. More than one width
costs no more: a person who moved so far between two samples may be anywhere."""
GAP_COST = 0.02
"""Cost of each sampled frame missed."""
MAX_DESCRIPTORS = 32
"""Latest descriptors kept of a track: a head turns away and back."""


@dataclasses.dataclass
class _Track:
    """What is known of one person so far.

    Attributes:
        number: in order of first appearance.
        frame: where last seen.
        centre: float [2], pixels, where last seen.
        size: pixels, root of the box's area, 1 or more.
        velocity: float [2], pixels a sampled frame.
        descriptors: float32 [d] each, latest last.
        faces: how many there are.
    """

    number: int
    frame: int
    centre: npt.NDArray[np.float32]
    size: np.float32
    velocity: npt.NDArray[np.float32]
    descriptors: list[npt.NDArray[np.float32]]
    faces: int = 1

    def update(
        self,
        frame: int,
        centre: npt.NDArray[np.float32],
        size: np.float32,
        descriptor: npt.NDArray[np.float32],
    ) -> None:
        """Adds a face."""
        self.velocity = (centre - self.centre) / (frame - self.frame)
        self.frame, self.centre, self.size = frame, centre, size
        self.descriptors = [*self.descriptors, descriptor][-MAX_DESCRIPTORS:]
        self.faces += 1

    def costs(
        self,
        frame: int,
        centres: npt.NDArray[np.float32],
        sizes: npt.NDArray[np.float32],
        descriptors: npt.NDArray[np.float32],
    ) -> npt.NDArray[np.float32]:
        """The cost of each of a frame's faces on this track, float32 [n]."""
        steps = frame - self.frame
        distances = np.linalg.norm(descriptors[:, None] - np.stack(self.descriptors), axis=-1)
        # Whoever moved may stop: the nearer of the two places counts.
        places = np.stack([self.centre, self.centre + steps * self.velocity])
        away = np.linalg.norm(centres[:, None] - places, axis=-1).min(axis=1)
        larger, smaller = np.maximum(sizes, self.size), np.minimum(sizes, self.size)
        position = np.minimum(away / larger + np.log(larger / smaller), 1.0)
        return distances.min(axis=1) + POSITION_WEIGHT * position + GAP_COST * (steps - 1)


class Tracker:
    """Numbers the track of each face, frame by frame; holds no more than the open tracks.

    Each frame's faces are matched to the open tracks at the least sum of costs (Kuhn, 1955), as in
    SORT (Bewley et al., 2016), with descriptors in the costs, as in DeepSORT (Wojke et al., 2017).
    Where a match has a rival, the tracks that claim the face end, and it begins a new one.

    Example:
        >>> tracker = Tracker()
        >>> tracker.update([[0, 0, 9, 9]], [[0.0, 1.0]])
        [0]
        >>> tracker.update([[50, 0, 59, 9], [1, 0, 10, 9]], [[1.0, 0.0], [0.0, 1.0]])
        [1, 0]
    """

    def __init__(self) -> None:
        self._frame = -1
        self._tracks = 0
        self._open: list[_Track] = []

    @property
    def open_tracks(self) -> set[int]:
        """Numbers of the tracks that may still get faces."""
        return {track.number for track in self._open}

    def update(self, boxes: npt.ArrayLike, descriptors: npt.ArrayLike) -> list[int]:
        """Takes the faces of the next sampled frame.

        Args:
            boxes: float [n, 4]: x_min, y_min, x_max, y_max, pixels; n may be 0.
            descriptors: float32 [n, d], from `data.faces.descriptors.face_descriptor`.

        Returns:
            The track of each box. Tracks are numbered from 0 by first appearance.
        """
        self._frame += 1
        self._open = [track for track in self._open if self._frame - track.frame <= MAX_GAP + 1]
        corners = np.asarray(boxes, np.float32).reshape(-1, 2, 2)
        if not len(corners):
            return []
        vectors = np.asarray(descriptors, np.float32)
        centres = corners.mean(axis=1)
        sizes = np.sqrt(np.maximum(np.prod(corners[:, 1] - corners[:, 0], axis=-1), 1.0))
        costs = np.array(
            [track.costs(self._frame, centres, sizes, vectors) for track in self._open]
        )
        matches, ended = _match(costs.reshape(len(self._open), len(corners)))
        tracks = []
        for face, (centre, size, descriptor) in enumerate(
            zip(centres, sizes, vectors, strict=True)
        ):
            if face in matches:
                tracks.append(self._open[matches[face]])
                tracks[-1].update(self._frame, centre, size, descriptor)
            else:
                still = np.zeros(2, np.float32)
                tracks.append(_Track(self._tracks, self._frame, centre, size, still, [descriptor]))
                self._tracks += 1
        continued = [track for row, track in enumerate(self._open) if row not in ended]
        self._open = continued + [track for track in tracks if track.faces == 1]
        return [track.number for track in tracks]


def _match(costs: npt.NDArray[np.float32]) -> tuple[dict[int, int], set[int]]:
    """Matches faces to tracks where no other match is nearly as good.

    Args:
        costs: float [tracks, faces].

    Returns:
        The track of each face that is matched; and the tracks that end, as rivals for a face.
    """
    matches: dict[int, int] = {}
    doubtful: list[tuple[int, float]] = []
    for track, face in zip(*linear_sum_assignment(costs), strict=True):
        cost = costs[track, face]
        if cost > MAX_COST:
            continue
        rivals = np.concatenate([np.delete(costs[track], face), np.delete(costs[:, face], track)])
        if rivals.min(initial=np.inf) - cost < MIN_MARGIN:
            doubtful.append((face, cost))
        else:
            matches[face] = track
    claimed = {
        track
        for face, cost in doubtful
        for track in np.flatnonzero(costs[:, face] < cost + MIN_MARGIN)
    }
    return matches, claimed - set(matches.values())
