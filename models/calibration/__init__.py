"""From scores to calibrated probabilities and verdicts, fitted on `eval`.

Begin with `calibration.py`: `calibrate` fits a calibrator (`calibrators.py`) and the thresholds of
the verdicts (`thresholds.py`), and measures how well the probabilities can be believed.
"""

from models.calibration.calibration import Calibration, calibrate, uncalibrated
from models.calibration.calibrators import (
    METHODS,
    Calibrator,
    Isotonic,
    Platt,
    Temperature,
    fit_calibrator,
)
from models.calibration.cross_fitting import fit_method, fold_of_groups
from models.calibration.decision import Decision
from models.calibration.reliability_plot import draw_reliability

__all__ = [
    "METHODS",
    "Calibration",
    "Calibrator",
    "Decision",
    "Isotonic",
    "Platt",
    "Temperature",
    "calibrate",
    "draw_reliability",
    "fit_calibrator",
    "fit_method",
    "fold_of_groups",
    "uncalibrated",
]
