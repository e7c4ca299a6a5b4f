"""Faces that never move while others do: perhaps pictures on a wall or a screen.

A rule of geometry and looks, no recognition of pictures: whoever sits like a statue is reported
too, and a picture in a moving camera's view is not.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

MIN_SIGHTINGS = 8
"""Fewer sightings say nothing about stillness."""

MAX_DRIFT = 0.02
"""A still face's centre and size stay this near their medians, in sizes of the face."""

MIN_MOTION = 0.1
"""Another face moves if its centre or size leaves its median by more, in sizes of the face."""

MAX_CHANGE = 0.17
"""Two descriptors of a still face are no farther apart. Pictures in compressed, noisy clips change
by up to 0.144 and drift by up to 0.015; people who talk, by 0.2 or more, and 0.05 or more."""


def is_still(boxes: npt.ArrayLike, descriptors: npt.ArrayLike) -> bool:
    """Whether a face stays where it is, and looks the same.

    Args:
        boxes: float [n, 4]: x_min, y_min, x_max, y_max, pixels.
        descriptors: float32 [m, d], m > 0, from `data.faces.descriptors.face_descriptor`.

    Example:
        >>> is_still([[10, 10, 110, 110]] * 8, np.zeros((3, 4)))
        True
        >>> is_still([[10, 10, 110, 110]] * 7 + [[15, 10, 115, 110]], np.zeros((3, 4)))
        False
    """
    corners = np.asarray(boxes, np.float64)
    vectors = np.asarray(descriptors, np.float64)
    if len(corners) < MIN_SIGHTINGS or motion(corners) > MAX_DRIFT:
        return False
    return float(np.linalg.norm(vectors[:, None] - vectors, axis=-1).max()) <= MAX_CHANGE


def motion(boxes: npt.ArrayLike) -> float:
    """How far a face's centre or size leaves its median at most, in sizes of the face.

    Args:
        boxes: float [n, 4], n > 0, pixels.

    Example:
        >>> motion([[0, 0, 10, 10], [0, 0, 10, 10], [5, 0, 15, 10]])
        0.5
    """
    corners = np.asarray(boxes, np.float64).reshape(-1, 2, 2)
    sides = np.maximum(corners[:, 1] - corners[:, 0], 1.0)
    places = np.column_stack([corners.mean(axis=1), np.sqrt(sides.prod(axis=1))])
    middle = np.median(places, axis=0)
    away = np.hypot(places[:, 0] - middle[0], places[:, 1] - middle[1])
    return float(max(away.max(), np.abs(places[:, 2] - middle[2]).max()) / middle[2])


def moves_between(
    times_s: Sequence[float], boxes: npt.ArrayLike, start_s: float, end_s: float
) -> bool:
    """Whether a face moves in a span of time.

    Args:
        times_s: of the boxes, seconds.
        boxes: float [n, 4], pixels.
        start_s: start of the span, seconds.
        end_s: its end, itself part of it.

    Example:
        >>> boxes = [[0, 0, 10, 10], [0, 0, 10, 10], [5, 0, 15, 10]]
        >>> moves_between([0.0, 1.0, 2.0], boxes, 0.0, 2.0)
        True
        >>> moves_between([0.0, 1.0, 2.0], boxes, 0.0, 1.0)
        False
    """
    times = np.asarray(times_s)
    within = (times >= start_s) & (times <= end_s)
    return bool(within.any()) and motion(np.asarray(boxes)[within]) > MIN_MOTION
