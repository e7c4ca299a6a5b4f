"""From a score to the calibrated probability of being fake: one class a method.

A mapping never falls as the score rises. It computes in float64, in the graph too: it is a few
numbers a row, and a steep mapping would magnify float32's rounding.
"""

import abc
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.special import expit, logit

from models.config.served import CalibrationMethod

_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Probability = Annotated[float, Field(gt=0, lt=1)]


class ProbabilityMapping(BaseModel, abc.ABC):
    """What every mapping does.

    Example:
        mapping = Temperature(temperature=2.0)
        mapping.probability(np.array([0.0]))  # [0.5]
        from_json(mapping.to_json()) == mapping
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: CalibrationMethod

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


class _Logistic(ProbabilityMapping):
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
    """The logistic function of logit / temperature (Guo et al., ICML 2017).

    Attributes:
        temperature: positive; 1 leaves the network's own probabilities.
    """

    method: Literal["temperature"] = "temperature"
    temperature: _Positive

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

    def _log_odds(self, logits: Any) -> Any:
        return self.slope * logits + self.intercept


class Isotonic(ProbabilityMapping):
    """Straight lines between knots, level beyond them (Zadrozny and Elkan, KDD 2002).

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

    def log_odds(self, logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Of the probabilities, finite."""
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
        """Logits and probabilities, with the outermost knots again at a distance.

        So there are two knots or more: `numpy.interp` makes a number of NaN where there is one.
        """
        x, y = np.array(self.logits), np.array(self.probabilities)
        return np.concatenate([[x[0] - 1], x, [x[-1] + 1]]), np.pad(y, 1, mode="edge")


class _Any(BaseModel):
    mapping: Temperature | Platt | Isotonic = Field(discriminator="method")


def from_json(content: Mapping[str, Any]) -> ProbabilityMapping:
    """The mapping that `ProbabilityMapping.to_json` wrote.

    Raises:
        pydantic.ValidationError: it is none; a ValueError that names what is wrong.
    """
    return _Any.model_validate({"mapping": dict(content)}).mapping
