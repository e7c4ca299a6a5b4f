import numpy as np
import pytest

from data.detectors.boxes import intersection_over_union


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param([0, 0, 10, 10], [0, 0, 10, 10], 1.0, id="same"),
        pytest.param([0, 0, 10, 10], [10, 0, 20, 10], 0.0, id="touching"),
        pytest.param([0, 0, 10, 10], [20, 20, 30, 30], 0.0, id="apart in x and y"),
        pytest.param([0, 0, 10, 10], [5, 0, 15, 10], 1 / 3, id="half"),
        pytest.param([0, 0, 10, 10], [2, 2, 4, 4], 0.04, id="inside"),
        pytest.param([0, 0, 0, 0], [0, 0, 0, 0], 0.0, id="empty"),
    ],
)
def test_intersection_over_union(first, second, expected):
    overlap = intersection_over_union(np.array([first], np.float32), np.array([second], np.float32))
    assert overlap[0, 0] == pytest.approx(expected)
