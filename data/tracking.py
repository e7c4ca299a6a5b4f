"""Joining the faces of successive frames into tracks: one person seen over time."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

MIN_IOU = 0.3
"""Least overlap of a face with the last one of its track."""

MAX_GAP = 3
"""Sampled frames that a track may miss and still go on."""


def intersection_over_union(
    first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Overlap of every box with every other.

    Args:
        first: float [n, 4]: x_min, y_min, x_max, y_max.
        second: float [m, 4].

    Returns:
        float [n, m], 0 to 1.
    """
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    overlap = np.prod(np.maximum(high - low, 0.0), axis=-1)
    first_area = np.prod(first[:, 2:] - first[:, :2], axis=-1)
    second_area = np.prod(second[:, 2:] - second[:, :2], axis=-1)
    union = first_area[:, None] + second_area[None, :] - overlap
    return np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)


def evenly_spread(count: int, wanted: int) -> npt.NDArray[np.int64]:
    """Picks positions evenly spread over a row of things, its first and last among them.

    Args:
        count: things in the row, 0 or more.
        wanted: positions at most, 1 or more; 1 gives the first.

    Returns:
        int64 [min(count, wanted)], rising.
    """
    return np.linspace(0, count - 1, min(count, wanted)).round().astype(np.int64)


def assign_tracks(boxes: Sequence[npt.NDArray[np.float32]]) -> list[list[int]]:
    """Numbers the track of each face.

    Each frame's faces are matched to the tracks' last boxes so that the sum of overlaps is
    greatest (Kuhn, 1955), as in SORT (Bewley et al., 2016) but without a motion model: sampled
    frames lie too far apart for one.

    Args:
        boxes: for each sampled frame, in time, float [n, 4] boxes in pixels; n may be 0.

    Returns:
        For each frame the track of each box. Tracks are numbered from 0 by falling number of
        faces, then by first appearance.
    """
    numbers: list[list[int]] = []
    last_boxes: list[npt.NDArray[np.float32]] = []
    last_frames: list[int] = []
    lengths: list[int] = []
    for frame, current in enumerate(boxes):
        current = np.asarray(current, np.float32).reshape(-1, 4)
        assigned = [-1] * len(current)
        open_tracks = [t for t, last in enumerate(last_frames) if frame - last <= MAX_GAP + 1]
        if open_tracks and len(current):
            overlap = intersection_over_union(
                np.stack([last_boxes[t] for t in open_tracks]), current
            )
            usable = np.where(overlap >= MIN_IOU, overlap, 0.0)
            for row, column in zip(*linear_sum_assignment(usable, maximize=True), strict=True):
                if usable[row, column] > 0:
                    assigned[column] = open_tracks[row]
        for index, track in enumerate(assigned):
            if track < 0:
                track = len(lengths)
                lengths.append(0)
                last_boxes.append(current[index])
                last_frames.append(frame)
                assigned[index] = track
            last_boxes[track] = current[index]
            last_frames[track] = frame
            lengths[track] += 1
        numbers.append(assigned)
    by_length = sorted(range(len(lengths)), key=lambda track: -lengths[track])
    rank = {track: position for position, track in enumerate(by_length)}
    return [[rank[track] for track in assigned] for assigned in numbers]
