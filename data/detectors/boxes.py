"""Arithmetic of boxes in numpy, without TensorFlow: `mtcnn_boxes` is its like in a graph."""

import numpy as np
import numpy.typing as npt


def intersection_over_union(
    first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Overlap of every box with every other.

    Args:
        first: float [n, 4]: x_min, y_min, x_max, y_max.
        second: float [m, 4].

    Returns:
        float [n, m], 0 to 1; 0 for two boxes without an area.

    Example:
        >>> box = np.array([[0, 0, 10, 10]], np.float32)
        >>> intersection_over_union(box, np.array([[0, 0, 10, 5], [10, 0, 20, 10]], np.float32))
        array([[0.5, 0. ]], dtype=float32)
    """
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    overlap = np.prod(np.maximum(high - low, 0.0), axis=-1)
    first_area = np.prod(first[:, 2:] - first[:, :2], axis=-1)
    second_area = np.prod(second[:, 2:] - second[:, :2], axis=-1)
    union = first_area[:, None] + second_area[None, :] - overlap
    return np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)
