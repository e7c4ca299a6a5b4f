"""Choosing some things of a row so that they represent all of it."""

import numpy as np
import numpy.typing as npt


def evenly_spread(count: int, most: int) -> npt.NDArray[np.int64]:
    """Picks positions evenly spread over a row of things, its first and last among them.

    Args:
        count: things in the row, 0 or more.
        most: positions at most, 1 or more; 1 gives the first.

    Returns:
        int64 [min(count, most)], rising.

    Example:
        >>> evenly_spread(9, 5).tolist()
        [0, 2, 4, 6, 8]
        >>> evenly_spread(3, 5).tolist()
        [0, 1, 2]
    """
    return np.linspace(0, count - 1, min(count, most)).round().astype(np.int64)
