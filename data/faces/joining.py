"""Joins the tracks of one person across gaps: a cut, a turned head, a walk out of the picture.

The tracker ends a track wherever it is in doubt. When the whole video has been seen, much of the
doubt is gone: who was seen together with whom is known, and every track can be compared with every
other. Tracks that are not joined cost little; two people in one track spoil both. So tracks join
only if they look alike, no third track makes that doubtful, and nobody in the group was ever seen
in one frame with another.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

MAX_DESCRIPTORS = 8
"""Descriptors that are kept of a track."""

SHORT_GAP = 8
"""Sampled frames after which the place of a face says nothing any more."""

# Measured by benchmarks/joining.py, see docs/extraction.md.
MAX_COST = 0.24
"""On those clips nothing is joined wrongly up to 0.32, and hardly more rightly from 0.24 on."""
MIN_MARGIN = 0.08
"""By how much a third track must match worse that cannot be the same person."""
POSITION_WEIGHT = 0.03
"""Cost of one face's width between the end of a track and the beginning of the next. More than
one width, or more than a short gap, cost no more."""

_Box = tuple[float, float, float, float]


@dataclasses.dataclass(frozen=True)
class TrackSummary:
    """What joining needs to know of a track.

    Attributes:
        descriptors: float32 [n, d], n > 0, of faces spread over the track, from
            `data.faces.descriptors.face_descriptor`.
        first_frame: number of the sampled frame where it begins.
        last_frame: where it ends.
        first_box: the face there: x_min, y_min, x_max, y_max, pixels.
        last_box: likewise at its end.
    """

    descriptors: npt.NDArray[np.float32]
    first_frame: int
    last_frame: int
    first_box: _Box
    last_box: _Box


def pairwise_costs(tracks: Sequence[TrackSummary]) -> npt.NDArray[np.float64]:
    """How unlike each other tracks are.

    The cost of two tracks is the distance between their two descriptors most alike, because a head
    turns away and back, plus what the place costs.

    Returns:
        float64 [n, n], symmetric; infinite on the diagonal.
    """
    if not tracks:
        return np.empty((0, 0))
    vectors = np.concatenate([track.descriptors for track in tracks]).astype(np.float64)
    squares = np.sum(vectors**2, axis=1)
    products = vectors @ vectors.T
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * products, 0.0))
    starts = np.cumsum([0, *(len(track.descriptors) for track in tracks[:-1])])
    nearest = np.minimum.reduceat(np.minimum.reduceat(distances, starts, 0), starts, 1)
    costs = nearest + POSITION_WEIGHT
    # The place matters only where the looks leave a doubt.
    for first, second in np.argwhere(np.triu(nearest <= MAX_COST + MIN_MARGIN, 1)):
        cost = nearest[first, second] + POSITION_WEIGHT * _position(tracks[first], tracks[second])
        costs[first, second] = costs[second, first] = cost
    np.fill_diagonal(costs, np.inf)
    return costs


def join_tracks(costs: npt.NDArray[np.float64], together: npt.NDArray[np.bool_]) -> list[list[int]]:
    """Groups the tracks that show one person.

    The two groups that are most alike join first; two groups are as unlike as the most unlike of
    their tracks (complete linkage; Sørensen, "A Method of Establishing Groups of Equal Amplitude",
    1948). A pair whose match is doubtful stays apart for good.

    Args:
        costs: [n, n], from `pairwise_costs`.
        together: [n, n], symmetric, whether two tracks are seen in one frame: these never join.

    Returns:
        The tracks of each group, rising; groups by their first track.

    Example:
        >>> costs = np.array([[np.inf, 0.1, 0.5], [0.1, np.inf, 0.5], [0.5, 0.5, np.inf]])
        >>> together = np.zeros((3, 3), bool)
        >>> join_tracks(costs, together)
        [[0, 1], [2]]
        >>> together[0, 1] = together[1, 0] = True
        >>> join_tracks(costs, together)
        [[0], [1], [2]]
    """
    costs = np.where(together, np.inf, costs)
    np.fill_diagonal(costs, np.inf)
    doubtful = np.zeros(costs.shape, bool)
    groups = [[track] for track in range(len(costs))]
    while costs.size:
        open_costs = np.where(doubtful, np.inf, costs)
        first, second = sorted(map(int, np.unravel_index(np.argmin(open_costs), costs.shape)))
        if open_costs[first, second] > MAX_COST:
            break
        if _is_doubtful(costs, doubtful, first, second):
            doubtful[first, second] = doubtful[second, first] = True
            continue
        groups[first] += groups[second]
        groups[second] = []
        costs[first] = costs[:, first] = np.maximum(costs[first], costs[second])
        doubtful[first] = doubtful[:, first] = doubtful[first] | doubtful[second]
        costs[second] = costs[:, second] = np.inf
    return sorted(sorted(group) for group in groups if group)


def _is_doubtful(
    costs: npt.NDArray[np.float64], doubtful: npt.NDArray[np.bool_], first: int, second: int
) -> bool:
    """Whether a third group matches one of two nearly as well, and cannot match the other."""
    nearer = np.minimum(costs[first], costs[second])
    apart = np.maximum(costs[first], costs[second]) > MAX_COST + MIN_MARGIN
    apart |= doubtful[first] | doubtful[second]
    rivals = (nearer < costs[first, second] + MIN_MARGIN) & apart
    rivals[[first, second]] = False
    return bool(rivals.any())


def _position(one: TrackSummary, other: TrackSummary) -> float:
    """How far the later track begins from the end of the earlier, widths of a face, 0 to 1."""
    before, after = sorted((one, other), key=lambda track: track.first_frame)
    if not 0 < after.first_frame - before.last_frame <= SHORT_GAP:
        return 1.0
    corners = np.array([before.last_box, after.first_box]).reshape(2, 2, 2)
    away = float(np.linalg.norm(np.diff(corners.mean(axis=1), axis=0)))
    smaller, larger = sorted(np.sqrt(np.prod(np.maximum(np.ptp(corners, axis=1), 1.0), axis=1)))
    return min(1.0, away / larger + float(np.log(larger / smaller)))
