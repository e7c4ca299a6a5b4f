import numpy as np
import pytest

from data.utils.evenly_spread import evenly_spread


@pytest.mark.parametrize(
    ("count", "most", "expected"),
    [
        (3, 4, [0, 1, 2]),
        (4, 4, [0, 1, 2, 3]),
        (9, 5, [0, 2, 4, 6, 8]),
        (10, 4, [0, 3, 6, 9]),
        (9, 4, [0, 3, 5, 8]),
        (100, 2, [0, 99]),
        (5, 1, [0]),
        (0, 4, []),
    ],
)
def test_evenly_spread(count, most, expected):
    positions = evenly_spread(count, most)
    assert positions.tolist() == expected
    assert positions.dtype == np.int64
