"""How an ensemble turns its members' scores into one."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from scipy.optimize import minimize
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from models.calibration import Calibrator
from models.evaluation import log_loss
from models.scoring import max_over_tracks

_EPSILON = 1e-6
"""Probabilities keep this distance from 0 and 1, so that their logits are finite."""


class Combination(Protocol):
    """From the logits of k members to one."""

    def logits(self, members: tf.Tensor) -> tf.Tensor:
        """Combines float32 logits [k, n] to [n]; NaN where a member's is."""

    def to_json(self) -> dict[str, Any]:
        """Its numbers, for `model.json`."""


@dataclasses.dataclass(frozen=True)
class Weighted:
    """The weighted mean of the members' calibrated probabilities, as a logit.

    Attributes:
        weights: one a member, of sum 1.
        calibrators: of each member, from its logits to probabilities.
    """

    weights: tuple[float, ...]
    calibrators: tuple[Calibrator, ...]

    def logits(self, members: tf.Tensor) -> tf.Tensor:
        """See `Combination.logits`."""
        parts = [
            weight * calibrator.probability_in_graph(row)
            for weight, calibrator, row in zip(
                self.weights, self.calibrators, tf.unstack(members), strict=True
            )
        ]
        mean = tf.clip_by_value(tf.add_n(parts), _EPSILON, 1.0 - _EPSILON)
        return tf.math.log(mean) - tf.math.log1p(-mean)

    def to_json(self) -> dict[str, Any]:
        """The weights."""
        return {"method": "weighted", "weights": list(self.weights)}


@dataclasses.dataclass(frozen=True)
class Stacked:
    """A linear function of the members' logits.

    Attributes:
        coefficients: one a member.
        intercept: added.
    """

    coefficients: tuple[float, ...]
    intercept: float

    def logits(self, members: tf.Tensor) -> tf.Tensor:
        """See `Combination.logits`."""
        return tf.linalg.matvec(members, self.coefficients, transpose_a=True) + self.intercept

    def to_json(self) -> dict[str, Any]:
        """Coefficients and intercept."""
        return {
            "method": "stacked",
            "coefficients": list(self.coefficients),
            "intercept": self.intercept,
        }


def fixed_weights(weights: Sequence[float], calibrators: Sequence[Calibrator]) -> Weighted:
    """The weights of a config, scaled to sum 1.

    Args:
        weights: one a member, in any unit; not all 0.
        calibrators: of the members.

    Example:
        >>> from models.calibration import Temperature
        >>> fixed_weights([1.0, 3.0], [Temperature(temperature=1.0)] * 2).weights
        (0.25, 0.75)
    """
    total = sum(weights)
    return Weighted(tuple(weight / total for weight in weights), tuple(calibrators))


def fit_weights(
    track_logits: npt.NDArray[np.float32],
    video_of_track: npt.NDArray[np.int32],
    labels: npt.NDArray[np.int8],
    calibrators: Sequence[Calibrator],
) -> Weighted:
    """The weights of least log loss of the videos, both classes weighing the same.

    Args:
        track_logits: float32 [k, t], of the members.
        video_of_track: int32 [t], rows of `labels`.
        labels: int8 [v], of both classes; videos without a track here are left out.
        calibrators: of the members.
    """
    videos, place = np.unique(video_of_track, return_inverse=True)

    def loss(free: npt.NDArray[np.float64]) -> float:
        weighted = Weighted(tuple(_to_weights(free)), tuple(calibrators))
        scores = max_over_tracks(weighted.logits(tf.constant(track_logits)).numpy(), place)
        return log_loss(scores, labels[videos])

    # Nelder-Mead needs no gradient: the maximum over tracks has none everywhere.
    start = np.zeros(len(calibrators) - 1)
    # From equal weights: scipy's own first simplex around 0 is too small to make a difference.
    simplex = np.vstack([start, start + np.eye(len(start))])
    options = {"initial_simplex": simplex, "xatol": 1e-3, "fatol": 1e-6}
    fitted = minimize(loss, start, method="Nelder-Mead", options=options)
    return Weighted(tuple(_to_weights(fitted.x)), tuple(calibrators))


def fit_stack(
    track_logits: npt.NDArray[np.float32],
    video_of_track: npt.NDArray[np.int32],
    labels: npt.NDArray[np.int8],
) -> Stacked:
    """Logistic regression on the members' video logits, both classes weighing the same.

    Wolpert, "Stacked Generalization" (Neural Networks 5, 1992). Fitted to each member's largest
    track of a video, which need not be the same one. When served, it combines the members' logits
    of each track, and the largest of these is the video's. scikit-learn's default regularisation
    (C = 1) keeps it finite where the members separate the classes.

    Args:
        track_logits: float32 [k, t], of the members.
        video_of_track: int32 [t], rows of `labels`.
        labels: int8 [v], of both classes; videos without a track here are left out.
    """
    videos, place = np.unique(video_of_track, return_inverse=True)
    members = np.stack([max_over_tracks(row, place) for row in track_logits], axis=1)
    fitted = LogisticRegression(class_weight="balanced").fit(members, labels[videos])
    return Stacked(tuple(map(float, fitted.coef_[0])), float(fitted.intercept_[0]))


def _to_weights(free: npt.NDArray[np.float64]) -> list[float]:
    """Positive weights of sum 1 from k - 1 free numbers, relative to the first member's."""
    return list(map(float, softmax(np.concatenate([[0.0], free]))))
