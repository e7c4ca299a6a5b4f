"""Judging what was fitted on videos whose source groups it has not seen."""

import numpy as np
import numpy.typing as npt

from data.contract import Label
from models.calibration.calibrators import Calibrator, Temperature, fit_calibrator
from models.config import CalibrationMethod

FOLDS = 5


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


def cross_fitted_log_odds(
    method: CalibrationMethod,
    logits: npt.NDArray[np.float64],
    labels: npt.NDArray[np.int8],
    groups: npt.NDArray[np.integer],
) -> npt.NDArray[np.float64]:
    """Calibrates each fold of source groups by what is fitted to the other folds.

    Args:
        method: of calibration.
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
            calibrator = fit_calibrator(method, logits[others], labels[others])
        calibrated[held_out] = calibrator.log_odds(logits[held_out])
    return calibrated
