"""Joining the faces of successive frames into tracks: one person seen over time.

A track may be broken in two, which costs little, but must not mix two people, which spoils both:
so a face goes on a track only if it looks like the track's person, lies where that person may be
by now, and no other track or face of the frame is nearly as good a match.
"""

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

MAX_GAP = 3
"""Sampled frames that a track may miss and still go on."""

# Costs are distances between descriptions plus the penalties below. Measured with MTCNN's boxes in
# eight real clips, some of which cut between cameras: matches cost 0.18 in the middle and 0.32 at
# most with 32 frames a clip, 0.22 and 0.356 with 8. Of pairs of two people in the same place
# before the same background, one in a hundred is 0.36 apart or less.
MAX_COST = 0.36
MIN_MARGIN = 0.08
"""By how much the second best match must be worse."""
POSITION_WEIGHT = 0.11
"""Cost of a face's width between where it is and where it should be; of more, no more: whoever
moved so far between two samples may be anywhere."""
GAP_COST = 0.02
"""Cost of each sampled frame missed."""
LOOKS = 32
"""Latest descriptions kept of a track: a head turns away and back."""

_BOX_IN_CROP = 1 / 1.3  # data.cropping adds a margin of 30 %
_REGION_ROWS, _REGION_COLUMNS, _REGION_SIDE = 4, 3, 20  # pixels of the shrunk box
_PATTERNS = 16
_MIN_CONTRAST = 5  # 2 % of the range, against noise
_CHEEK_COLUMNS = slice(7, 55)  # of 62: between the ears, or the background decides
_COLOR_BINS = 12
_COLOR_WEIGHT = 1.3  # what parts people best in real clips


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


def describe_crop(crop: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """What a face looks like, so that descriptions of one person lie close together.

    Two parts. Histograms of centre-symmetric local binary patterns (Heikkilä et al., "Description
    of Interest Regions with Local Binary Patterns", Pattern Recognition 42, 2009) in a grid of
    regions, as Ahonen et al. describe faces ("Face Description with Local Binary Patterns", IEEE
    TPAMI 28, 2006); and histograms of the colours in CIELAB. Square roots make the Euclidean
    distance Hellinger's. It tells apart people within one clip, and no more: it is no biometric.

    Args:
        crop: uint8 [size, size, 3], RGB, as `data.cropping.crop_face` gives it.

    Returns:
        float32 [228].
    """
    side = crop.shape[0]
    margin = min(round(side * (1 - _BOX_IN_CROP) / 2), (side - 1) // 2)
    box = crop[margin : side - margin, margin : side - margin]
    # Each pixel of a region needs its eight neighbours.
    size = (_REGION_COLUMNS * _REGION_SIDE + 2, _REGION_ROWS * _REGION_SIDE + 2)
    face = cv2.resize(box, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    colors = _color_histograms(np.ascontiguousarray(face[:, _CHEEK_COLUMNS]))
    return np.concatenate([_pattern_histograms(face), _COLOR_WEIGHT * colors])


def _pattern_histograms(face: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Square roots of the patterns' frequencies by region, of norm 1."""
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).astype(np.int16)
    rows, columns = grey.shape[0] - 2, grey.shape[1] - 2

    def neighbours(down: int, right: int) -> npt.NDArray[np.int16]:
        return grey[1 + down : 1 + down + rows, 1 + right : 1 + right + columns]

    patterns = np.zeros((rows, columns), np.int64)
    for bit, (down, right) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        brighter = neighbours(down, right) - neighbours(-down, -right) > _MIN_CONTRAST
        patterns |= brighter.astype(np.int64) << bit
    by_region = (
        patterns.reshape(_REGION_ROWS, _REGION_SIDE, _REGION_COLUMNS, _REGION_SIDE)
        .swapaxes(1, 2)
        .reshape(_REGION_ROWS * _REGION_COLUMNS, -1)
    )
    return _root_histograms(by_region, _PATTERNS).reshape(-1)


def _color_histograms(face: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Square roots of the frequencies of lightness, a and b, smoothed, of norm about 1."""
    lab = cv2.cvtColor(face, cv2.COLOR_RGB2LAB).reshape(-1, 3).T.astype(np.int64)
    # Skin and hair lie within 32 of the grey axis, which is at 128.
    low, high = np.array([[0], [96], [96]]), np.array([[256], [160], [160]])
    bins = (np.clip(lab, low, high - 1) - low) * _COLOR_BINS // (high - low)
    # A colour at the edge of a bin must not jump to the next.
    smooth = cv2.GaussianBlur(_root_histograms(bins, _COLOR_BINS) ** 2, (5, 1), 1.0)
    return np.sqrt(smooth, dtype=np.float32).reshape(-1)


def _root_histograms(values: npt.NDArray[np.int64], bins: int) -> npt.NDArray[np.float32]:
    """Square roots of the frequencies in each row [n, m] of values below `bins`, of norm 1 all."""
    rows, count = values.shape
    offsets = np.arange(rows)[:, None] * bins
    counted = np.bincount((values + offsets).reshape(-1), minlength=rows * bins)
    return np.sqrt(counted.reshape(rows, bins) / (rows * count)).astype(np.float32)


@dataclasses.dataclass
class _Track:
    """What is known of one person so far.

    Attributes:
        number: in order of first appearance.
        frame: where last seen.
        centre: float [2], pixels, where last seen.
        size: pixels, root of the box's area, 1 or more.
        velocity: float [2], pixels a sampled frame.
        looks: descriptions, float32 [d] each, latest last.
        faces: how many there are.
    """

    number: int
    frame: int
    centre: npt.NDArray[np.float32]
    size: np.float32
    velocity: npt.NDArray[np.float32]
    looks: list[npt.NDArray[np.float32]]
    faces: int = 1

    def go_on(
        self,
        frame: int,
        centre: npt.NDArray[np.float32],
        size: np.float32,
        look: npt.NDArray[np.float32],
    ) -> None:
        """Adds a face."""
        self.velocity = (centre - self.centre) / (frame - self.frame)
        self.frame, self.centre, self.size = frame, centre, size
        self.looks = [*self.looks, look][-LOOKS:]
        self.faces += 1

    def costs(
        self,
        frame: int,
        centres: npt.NDArray[np.float32],
        sizes: npt.NDArray[np.float32],
        looks: npt.NDArray[np.float32],
    ) -> npt.NDArray[np.float32]:
        """What each of a frame's faces would cost on this track, float32 [n]."""
        steps = frame - self.frame
        unlike = np.linalg.norm(looks[:, None] - np.stack(self.looks), axis=-1).min(axis=1)
        # Whoever moved may stop: the nearer of the two places counts.
        places = np.stack([self.centre, self.centre + steps * self.velocity])
        away = np.linalg.norm(centres[:, None] - places, axis=-1).min(axis=1)
        larger, smaller = np.maximum(sizes, self.size), np.minimum(sizes, self.size)
        position = np.minimum(away / larger + np.log(larger / smaller), 1.0)
        return unlike + POSITION_WEIGHT * position + GAP_COST * (steps - 1)


def assign_tracks(
    boxes: Sequence[npt.NDArray[np.float32]], descriptions: Sequence[npt.NDArray[np.float32]]
) -> list[list[int]]:
    """Numbers the track of each face.

    Each frame's faces are matched to the open tracks at the least sum of costs (Kuhn, 1955), as in
    SORT (Bewley et al., 2016), with looks in the costs, as in DeepSORT (Wojke et al., 2017).
    Where a match has a rival, the tracks that claim the face end, and it begins a new one.

    Args:
        boxes: for each sampled frame, in time, float [n, 4] boxes in pixels; n may be 0.
        descriptions: for each frame float32 [n, d], from `describe_crop`.

    Returns:
        For each frame the track of each box. Tracks are numbered from 0 by first appearance.
    """
    tracks: list[_Track] = []
    open_tracks: list[_Track] = []
    numbers: list[list[int]] = []
    for frame, (frame_boxes, frame_looks) in enumerate(zip(boxes, descriptions, strict=True)):
        corners = np.asarray(frame_boxes, np.float32).reshape(-1, 2, 2)
        looks = np.asarray(frame_looks, np.float32)
        if not len(corners):
            numbers.append([])
            continue
        centres = corners.mean(axis=1)
        sizes = np.sqrt(np.maximum(np.prod(corners[:, 1] - corners[:, 0], axis=-1), 1.0))
        open_tracks = [track for track in open_tracks if frame - track.frame <= MAX_GAP + 1]
        costs = np.array([track.costs(frame, centres, sizes, looks) for track in open_tracks])
        matches, ended = _match(costs.reshape(len(open_tracks), len(corners)))
        found = []
        for face, (centre, size, look) in enumerate(zip(centres, sizes, looks, strict=True)):
            if face in matches:
                found.append(open_tracks[matches[face]])
                found[-1].go_on(frame, centre, size, look)
            else:
                still = np.zeros(2, np.float32)
                found.append(_Track(len(tracks), frame, centre, size, still, [look]))
                tracks.append(found[-1])
        numbers.append([track.number for track in found])
        going_on = [track for row, track in enumerate(open_tracks) if row not in ended]
        open_tracks = going_on + [track for track in found if track.faces == 1]
    return numbers


def rank_tracks(
    tracks: Sequence[Sequence[int]], usable: Sequence[Sequence[bool]]
) -> tuple[list[list[int]], list[int]]:
    """Numbers tracks anew, those with the most usable faces first.

    Args:
        tracks: for each frame the track of each face, as `assign_tracks` numbers them.
        usable: for each frame whether each face is usable.

    Returns:
        For each frame the new number of each face's track: by falling number of usable faces,
        then by first appearance. And the number of usable faces of each track, falling.
    """
    counts: dict[int, int] = {}
    for numbers, flags in zip(tracks, usable, strict=True):
        for number, flag in zip(numbers, flags, strict=True):
            counts[number] = counts.get(number, 0) + flag
    ordered = sorted(counts, key=lambda number: (-counts[number], number))
    rank = {number: position for position, number in enumerate(ordered)}
    return (
        [[rank[number] for number in numbers] for numbers in tracks],
        [counts[number] for number in ordered],
    )


def _match(costs: npt.NDArray[np.float32]) -> tuple[dict[int, int], set[int]]:
    """Matches faces to tracks where that is beyond doubt.

    Args:
        costs: float [tracks, faces].

    Returns:
        Face -> track; and the tracks that end, since they are rivals for a face.
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
