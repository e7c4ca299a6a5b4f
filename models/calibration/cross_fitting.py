"""Judging what was fitted on videos whose source groups it has not seen."""

import numpy as np
import numpy.typing as npt

from data.contract import Label
from models.calibration.calibrators import METHODS, Calibrator, Temperature, fit_calibrator
from models.evaluation import log_loss

FOLDS = 5

AUTOMATIC_VIDEOS = 50
"""Of each class, below which `automatic` is temperature: a choice among methods, and their further
parameters, would follow chance. Measured in `benchmarks/calibration.py`."""


def fold_of_groups(groups: npt.NDArray[np.integer]) -> npt.NDArray[np.intp]:
    """Assigns source groups to folds.

    Args:
        groups: int [v], of videos.

    Returns:
        int [v], each video's fold, 0 to `FOLDS` - 1; fewer folds where there are fewer groups. All
        videos of a group are in one fold.

    Example:
        >>> fold_of_groups(np.array([7, 7, 9, 30]))
        array([0, 0, 1, 2])
    """
    # Not GroupKFold: it refuses fewer groups than folds, and where groups are of equal size, its
    # folds depend on the instructions that numpy's sort finds in the CPU.
    return np.unique(groups, return_inverse=True)[1].reshape(-1) % FOLDS


def fit_method(
    method: str,
    logits: npt.NDArray[np.float64],
    labels: npt.NDArray[np.int8],
    groups: npt.NDArray[np.integer],
) -> Calibrator:
    """Fits what a config names.

    Args:
        method: of calibration; `automatic` is the one with the least cross-fitted log loss, or
            temperature if a class has fewer than `AUTOMATIC_VIDEOS`.
        logits: float64 [v], video scores.
        labels: int8 [v], `data.contract.Label`, of both classes.
        groups: int [v], source groups.
    """
    if method == "automatic":
        method = "temperature"
        if np.bincount(labels).min() >= AUTOMATIC_VIDEOS:
            losses = {
                name: log_loss(cross_fitted_log_odds(name, logits, labels, groups), labels)
                for name in METHODS
            }
            method = min(losses, key=losses.__getitem__)
    return fit_calibrator(method, logits, labels)


def cross_fitted_log_odds(
    method: str,
    logits: npt.NDArray[np.float64],
    labels: npt.NDArray[np.int8],
    groups: npt.NDArray[np.integer],
) -> npt.NDArray[np.float64]:
    """Calibrates each fold of source groups by what is fitted to the other folds.

    Args:
        method: of calibration; `automatic` chooses anew without each fold.
        logits: float64 [v], video scores.
        labels: int8 [v], `data.contract.Label`.
        groups: int [v], source groups.

    Returns:
        float64 [v], calibrated log odds. Where the other folds lack a class nothing can be fitted,
        and the fold stays uncalibrated.
    """
    fold = fold_of_groups(groups)
    calibrated = np.empty_like(logits)
    for number in np.unique(fold):
        held_out = fold == number
        others = ~held_out
        calibrator: Calibrator = Temperature(temperature=1.0)
        if len(np.unique(labels[others])) == len(Label):
            calibrator = fit_method(method, logits[others], labels[others], groups[others])
        calibrated[held_out] = calibrator.log_odds(logits[held_out])
    return calibrated
