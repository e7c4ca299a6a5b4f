"""Fits a mapping from scores to probabilities, by the method that a config names.

Both classes weigh the same, and all methods aim at Platt's targets, (n + 1) / (n + 2) instead
of 1 and 1 / (n + 2) instead of 0 for classes of n videos ("Probabilistic Outputs for Support
Vector Machines", 1999). That is Laplace's rule of succession: n videos of a class, all alike,
leave a chance of 1 / (n + 2) that the next one is not. It keeps the mapping finite where the
classes are separated.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_expit
from sklearn.isotonic import IsotonicRegression

from data.contract import Label
from models.calibration.calibrators import Isotonic, Platt, ProbabilityMapping, Temperature
from models.config.served import CalibrationMethod
from models.evaluation.metrics import class_weights

TEMPERATURE_BOUNDS = (0.05, 20.0)
"""Of temperatures; of Platt's slopes the reciprocals."""


def fit_mapping(
    method: CalibrationMethod, logits: npt.NDArray[np.floating], labels: npt.NDArray[np.int8]
) -> ProbabilityMapping:
    """Fits a mapping to videos.

    Args:
        method: how.
        logits: float [v], video scores.
        labels: int8 [v], `data.contract.Label`, of both classes.

    Returns:
        The mapping of least log loss (isotonic: of least squares) among those of the method.
    """
    fits = {"temperature": fit_temperature, "platt": fit_platt, "isotonic": fit_isotonic}
    return fits[method](logits.astype(np.float64), labels)


def fit_temperature(logits: npt.NDArray[np.float64], labels: npt.NDArray[np.int8]) -> Temperature:
    """Temperature of least log loss, within `TEMPERATURE_BOUNDS`.

    Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017).

    Args:
        logits: float64 [v].
        labels: int8 [v], of both classes.
    """
    targets, weights = _targets(labels), class_weights(labels)

    def loss(log_temperature: float) -> float:
        return _cross_entropy(logits / math.exp(log_temperature), targets, weights)

    low, high = TEMPERATURE_BOUNDS
    fit = minimize_scalar(loss, bounds=(math.log(low), math.log(high)), method="bounded")
    return Temperature(temperature=math.exp(fit.x))


def fit_platt(logits: npt.NDArray[np.float64], labels: npt.NDArray[np.int8]) -> Platt:
    """Slope and intercept of least log loss: logistic regression on the score.

    The slope is bounded by the reciprocals of `TEMPERATURE_BOUNDS`, so that scores which tell
    nothing, or the wrong thing, still give a mapping that rises.

    Args:
        logits: float64 [v].
        labels: int8 [v], of both classes.
    """
    targets, weights = _targets(labels), class_weights(labels)
    # About their mean, slope and intercept hardly depend on each other.
    centre = float(np.average(logits, weights=weights))
    centred = logits - centre

    def loss(parameters: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        log_odds = parameters[0] * centred + parameters[1]
        errors = weights * (expit(log_odds) - targets) / len(targets)
        gradient = np.array([errors @ centred, errors.sum()])
        return _cross_entropy(log_odds, targets, weights), gradient

    low, high = TEMPERATURE_BOUNDS
    fit = minimize(
        loss,
        x0=(1.0, 0.0),
        jac=True,
        method="L-BFGS-B",
        bounds=[(1 / high, 1 / low), (None, None)],
        options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 1000},
    )
    slope, intercept = map(float, fit.x)
    return Platt(slope=slope, intercept=intercept - slope * centre)


def fit_isotonic(logits: npt.NDArray[np.float64], labels: npt.NDArray[np.int8]) -> Isotonic:
    """Rising steps of least squares, by pool-adjacent-violators, joined by straight lines.

    Zadrozny and Elkan, "Transforming Classifier Scores into Accurate Multiclass Probability
    Estimates" (KDD 2002). Smoothed by Platt's targets: a least-squares fit follows its targets,
    so they bound it by 1 / (n + 2) and (n + 1) / (n + 2) of the classes' n, and it stays
    monotone, which smoothing each step by its own count would not.

    Args:
        logits: float64 [v].
        labels: int8 [v], of both classes.
    """
    fit = IsotonicRegression(increasing=True)
    fit.fit(logits, _targets(labels), sample_weight=class_weights(labels))
    return Isotonic(
        logits=tuple(fit.X_thresholds_.tolist()), probabilities=tuple(fit.y_thresholds_.tolist())
    )


def _targets(labels: npt.NDArray[np.int8]) -> npt.NDArray[np.float64]:
    """Platt's targets, float64 [v]."""
    fakes, reals = np.sum(labels == Label.FAKE), np.sum(labels == Label.REAL)
    return np.where(labels == Label.FAKE, (fakes + 1) / (fakes + 2), 1 / (reals + 2))


def _cross_entropy(
    log_odds: npt.NDArray[np.float64],
    targets: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
) -> float:
    losses = -(targets * log_expit(log_odds) + (1 - targets) * log_expit(-log_odds))
    return float(np.average(losses, weights=weights))
