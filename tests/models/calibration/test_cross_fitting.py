import numpy as np
import pytest
from scipy.special import expit

from models.calibration.cross_fitting import AUTOMATIC_VIDEOS, FOLDS, fit_method, fold_of_groups


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


def shifted(count):
    """Videos whose even odds lie at a score of 3, which no temperature can express."""
    scores = np.random.default_rng(0).normal(3, 2, 4 * count)
    labels = (np.random.default_rng(1).random(4 * count) < expit(scores - 3)).astype(np.int8)
    chosen = np.concatenate([np.flatnonzero(labels == label)[:count] for label in (0, 1)])
    return scores[chosen], labels[chosen], np.arange(2 * count)


def test_automatic_takes_the_method_that_held_out_groups_prefer():
    scores, labels, groups = shifted(300)
    assert fit_method("automatic", scores, labels, groups) == fit_method(
        "platt", scores, labels, groups
    )
    # Scores at three places only, one of them wrong for both: neither line fits.
    stepped = np.repeat([-8.0, 1.0, 8.0], 400)
    labels = np.concatenate([np.arange(400) % 10 == 0, np.arange(800) % 10 != 0]).astype(np.int8)
    fitted = fit_method("automatic", stepped, labels, np.arange(1200))
    assert fitted == fit_method("isotonic", stepped, labels, np.arange(1200))
    scores, labels, groups = shifted(300)
    fitted = fit_method("automatic", 2 * (scores - 3), labels, groups)
    assert fitted == fit_method("temperature", 2 * (scores - 3), labels, groups)


@pytest.mark.parametrize(
    ("count", "method"), [(AUTOMATIC_VIDEOS - 1, "temperature"), (AUTOMATIC_VIDEOS, "platt")]
)
def test_automatic_is_temperature_where_there_are_few_videos(count, method):
    assert fit_method("automatic", *shifted(count)).method == method
