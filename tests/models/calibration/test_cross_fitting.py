import numpy as np
import pytest

from models.calibration.cross_fitting import FOLDS, fold_of_groups


@pytest.mark.parametrize("groups", [FOLDS - 2, FOLDS, 4 * FOLDS + 1])
def test_groups_stay_whole_and_folds_are_even(groups):
    # Numbers with gaps, in no order, each several times.
    numbers = np.random.default_rng(0).permutation(np.repeat(7 * np.arange(groups) + 3, 3))
    folds = fold_of_groups(numbers.astype(np.int32))
    assert folds.shape == numbers.shape
    of_group = {number: set(folds[numbers == number]) for number in numbers}
    assert all(len(numbers) == 1 for numbers in of_group.values())
    sizes = np.bincount([numbers.pop() for numbers in of_group.values()])
    assert len(sizes) == min(groups, FOLDS)
    assert np.ptp(sizes) <= 1
