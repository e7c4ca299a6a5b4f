"""From a score to the calibrated probability of being fake: a class for each method.

A calibrator never falls as the score rises. It computes in float64, in the graph too: that is a
few numbers a row, and a steep calibrator would magnify the rounding of float32.

All are fitted alike, with both classes weighing the same, by maximum likelihood within one bound.
After n videos of a class that are all alike, the chance that the next one differs is 1 / (n + 2)
(Laplace's rule of succession). So no calibrator doubts its own videos less than that: where the
classes are separated, likelihood alone would state certainty, however few the videos are.
"""

import abc
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.optimize import brentq, minimize, minimize_scalar
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.utils.class_weight import compute_sample_weight

from data.contract import Label
from models.evaluation import log_loss

TEMPERATURE_BOUNDS = (0.05, 20.0)
"""Of temperatures; of Platt's slopes the reciprocals."""

_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Probability = Annotated[float, Field(gt=0, lt=1)]


class Calibrator(BaseModel, abc.ABC):
    """What every calibrator does.

    Example:
        >>> calibrator = Temperature(temperature=2.0)
        >>> calibrator.probability(np.array([0.0, 4.0])).round(3)
        array([0.5  , 0.881])
        >>> Calibrator.from_json(calibrator.to_json()) == calibrator
        True
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str

    @classmethod
    @abc.abstractmethod
    def fit(cls, logits: npt.NDArray[np.float64], labels: npt.NDArray[np.int8]) -> "Calibrator":
        """Fits one to videos.

        Args:
            logits: float64 [v], video scores.
            labels: int8 [v], `data.contract.Label`, of both classes.
        """

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "Calibrator":
        """The calibrator that `to_json` wrote.

        Raises:
            pydantic.ValidationError: it is none; a ValueError that names what is wrong.
        """
        return _AnyCalibrator.model_validate({"calibrator": content}).calibrator

    @abc.abstractmethod
    def log_odds(self, logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Calibrated log odds of being fake, float64, of scores of any shape; NaN of NaN."""

    @abc.abstractmethod
    def probability(self, logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Probabilities of being fake, float64, 0 to 1, of scores of any shape; NaN of NaN."""

    @abc.abstractmethod
    def probability_in_graph(self, logits: tf.Tensor) -> tf.Tensor:
        """The same of a float32 tensor of any shape: float32, of the same shape."""

    def to_json(self) -> dict[str, Any]:
        """The method and its numbers, for `model.json`."""
        return self.model_dump(mode="json")


class _Logistic(Calibrator):
    """The logistic function of the calibrated log odds."""

    def probability(self, logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Logistic function of the log odds."""
        return expit(self.log_odds(logits))

    def probability_in_graph(self, logits: tf.Tensor) -> tf.Tensor:
        """Logistic function of the log odds."""
        log_odds = self._log_odds(tf.cast(logits, tf.float64))
        return tf.cast(tf.sigmoid(log_odds), tf.float32)

    def log_odds(self, logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """A straight line of the score."""
        return self._log_odds(logits.astype(np.float64))

    @abc.abstractmethod
    def _log_odds(self, logits: Any) -> Any:
        """Of a float64 array or tensor."""


class Temperature(_Logistic):
    """The logistic function of logit / temperature.

    Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017).

    Attributes:
        temperature: positive; 1 leaves the network's own probabilities.
    """

    method: Literal["temperature"] = "temperature"
    temperature: _Positive

    @classmethod
    def fit(cls, logits: npt.NDArray[np.float64], labels: npt.NDArray[np.int8]) -> "Temperature":
        """The temperature of least log loss, within `TEMPERATURE_BOUNDS` and the least doubt."""

        def loss(log_temperature: float) -> float:
            return log_loss(logits / np.exp(log_temperature), labels)

        bounds = tuple(np.log(TEMPERATURE_BOUNDS))
        temperature = np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x)
        return cls(temperature=temperature / _scale_within_doubt(logits / temperature, labels))

    def _log_odds(self, logits: Any) -> Any:
        return logits / self.temperature


class Platt(_Logistic):
    """The logistic function of slope * logit + intercept (Platt, 1999).

    Attributes:
        slope: positive, or larger scores would mean less.
        intercept: log odds of a score of 0.
    """

    method: Literal["platt"] = "platt"
    slope: _Positive
    intercept: _Finite

    @classmethod
    def fit(cls, logits: npt.NDArray[np.float64], labels: npt.NDArray[np.int8]) -> "Platt":
        """Slope and intercept of least log loss: logistic regression on the score.

        The slope is bounded by the reciprocals of `TEMPERATURE_BOUNDS`. So the calibrator rises
        even if the scores say nothing, or the opposite of the truth. Where the least doubt asks for
        a flatter line, it turns about the score of even odds.
        """
        targets = (labels == Label.FAKE).astype(np.float64)
        weights = compute_sample_weight("balanced", labels)
        # Of centred logits, slope and intercept hardly depend on each other.
        centre = float(np.average(logits, weights=weights))
        centred = logits - centre

        def loss(parameters: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
            log_odds = parameters[0] * centred + parameters[1]
            errors = weights * (expit(log_odds) - targets) / len(targets)
            gradient = np.array([errors @ centred, errors.sum()])
            return log_loss(log_odds, labels), gradient

        low, high = TEMPERATURE_BOUNDS
        fitted = minimize(
            loss,
            x0=(1.0, 0.0),
            jac=True,
            method="L-BFGS-B",
            bounds=[(1 / high, 1 / low), (None, None)],
            options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 1000},
        )
        fitted_log_odds = fitted.x[0] * centred + fitted.x[1]
        slope, intercept = map(float, fitted.x * _scale_within_doubt(fitted_log_odds, labels))
        return cls(slope=slope, intercept=intercept - slope * centre)

    def _log_odds(self, logits: Any) -> Any:
        return self.slope * logits + self.intercept


class Isotonic(Calibrator):
    """Straight lines between knots, level beyond them.

    Zadrozny and Elkan, "Transforming Classifier Scores into Accurate Multiclass Probability
    Estimates" (KDD 2002).

    Attributes:
        logits: of the knots, rising.
        probabilities: of the knots, never falling, within 0 and 1.
    """

    method: Literal["isotonic"] = "isotonic"
    logits: tuple[_Finite, ...] = Field(min_length=1)
    probabilities: tuple[_Probability, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_monotone(self) -> "Isotonic":
        if len(self.logits) != len(self.probabilities):
            raise ValueError(
                f"there are {len(self.logits)} logits and {len(self.probabilities)} probabilities"
            )
        if np.any(np.diff(self.logits) <= 0) or np.any(np.diff(self.probabilities) < 0):
            raise ValueError("logits must rise and probabilities must not fall from knot to knot")
        return self

    @classmethod
    def fit(cls, logits: npt.NDArray[np.float64], labels: npt.NDArray[np.int8]) -> "Isotonic":
        """Rising steps of least squares, by pool-adjacent-violators, joined by straight lines.

        Their ends are cut at the least doubt of each class.
        """
        regression = IsotonicRegression(increasing=True)
        is_fake = labels == Label.FAKE
        regression.fit(logits, is_fake, compute_sample_weight("balanced", labels))
        lowest, highest = _least_doubt(labels, Label.REAL), 1 - _least_doubt(labels, Label.FAKE)
        probabilities = np.clip(regression.y_thresholds_, lowest, highest)
        return cls(
            logits=tuple(regression.X_thresholds_.tolist()),
            probabilities=tuple(probabilities.tolist()),
        )

    def log_odds(self, logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Log odds of the probabilities, finite."""
        return logit(self.probability(logits))

    def probability(self, logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Interpolated."""
        return np.interp(logits.astype(np.float64), *self._knots)

    def probability_in_graph(self, logits: tf.Tensor) -> tf.Tensor:
        """Interpolated, as `numpy.interp` does it."""
        x, y = self._knots
        scores = tf.cast(logits, tf.float64)
        # NaN passes through: it is neither below the first knot nor above the last.
        inside = tf.where(scores < x[0], x[0], tf.where(scores > x[-1], x[-1], scores))
        flat = tf.reshape(inside, [-1])
        right = tf.clip_by_value(tf.searchsorted(x, flat, side="right"), 1, len(x) - 1)
        left_x, right_x = tf.gather(x, right - 1), tf.gather(x, right)
        left_y, right_y = tf.gather(y, right - 1), tf.gather(y, right)
        share = (flat - left_x) / (right_x - left_x)
        probability = left_y + share * (right_y - left_y)
        return tf.cast(tf.reshape(probability, tf.shape(logits)), tf.float32)

    @property
    def _knots(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Logits and probabilities of the knots, and one more at each end, level with the last.

        So there are at least two: of a single knot `numpy.interp` turns NaN into a number.
        """
        x, y = np.array(self.logits), np.array(self.probabilities)
        return np.concatenate([[x[0] - 1], x, [x[-1] + 1]]), np.pad(y, 1, mode="edge")


class _AnyCalibrator(BaseModel):
    calibrator: Temperature | Platt | Isotonic = Field(discriminator="method")


METHODS: Mapping[str, type[Calibrator]] = {
    "temperature": Temperature,
    "platt": Platt,
    "isotonic": Isotonic,
}
"""The classes by name, the one with fewest parameters first."""


def fit_calibrator(
    method: str, logits: npt.NDArray[np.floating], labels: npt.NDArray[np.int8]
) -> Calibrator:
    """Fits a calibrator.

    Args:
        method: a key of `METHODS`.
        logits: float [v], video scores.
        labels: int8 [v], `data.contract.Label`, of both classes.

    Returns:
        The calibrator of least log loss (isotonic: of least squares).

    Example:
        >>> logits, labels = np.array([-1.0, 0.0, 1.0, 2.0]), np.array([0, 0, 1, 1])
        >>> fitted = fit_calibrator("platt", logits, labels)
        >>> round(fitted.slope, 3), round(fitted.intercept, 3)
        (1.187, -0.594)
    """
    return METHODS[method].fit(logits.astype(np.float64), labels)


def _least_doubt(labels: npt.NDArray[np.int8], label: Label) -> float:
    """Laplace's chance that the next video of a class is unlike all that were seen."""
    return float(1 / (np.sum(labels == label) + 2))


def _scale_within_doubt(log_odds: npt.NDArray[np.float64], labels: npt.NDArray[np.int8]) -> float:
    """What log odds [v] are multiplied by, 0 to 1, so that they keep the least doubt.

    The doubt is the mean probability of the less likely class, both classes weighing the same.
    """
    weights = compute_sample_weight("balanced", labels)
    least = np.mean([_least_doubt(labels, label) for label in Label])

    def excess(scale: float) -> float:
        return float(np.average(expit(-scale * np.abs(log_odds)), weights=weights) - least)

    return 1.0 if excess(1.0) >= 0 else float(brentq(excess, 0.0, 1.0))
