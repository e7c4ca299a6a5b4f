"""From a score to a probability and a verdict: the part of a calibration in the served graph."""

import dataclasses
from typing import Any

import tensorflow as tf

from data.contract import VerdictCode
from models.calibration.calibrators import Calibrator


@dataclasses.dataclass(frozen=True)
class Decision:
    """A calibrator, and thresholds on its probabilities.

    Attributes:
        calibrator: from logits to probabilities.
        real_below: probabilities under this are called real; at most 0.5.
        fake_above: probabilities over this are called fake; at least 0.5. What lies between
            the two, both included, is uncertain.

    Example:
        >>> from models.calibration.calibrators import Temperature
        >>> decision = Decision(Temperature(temperature=1.0), real_below=0.25, fake_above=0.75)
        >>> probability = decision.probability(tf.constant([-3.0, 0.0, 3.0]))
        >>> decision.verdict(probability, readable=tf.constant([True] * 3)).numpy()
        array([0, 2, 1])
    """

    calibrator: Calibrator
    real_below: float
    fake_above: float

    def probability(self, logits: tf.Tensor) -> tf.Tensor:
        """Probabilities of being fake, float32, of float32 logits of any shape; NaN of NaN."""
        return self.calibrator.probability_in_graph(logits)

    def verdict(self, probability: tf.Tensor, readable: tf.Tensor) -> tf.Tensor:
        """Verdicts of rows.

        Args:
            probability: float32 [n]; NaN, where there is no score, is uncertain.
            readable: bool [n].

        Returns:
            int64 [n], `VerdictCode`.
        """
        # Comparisons with NaN are false.
        verdict = tf.fill(tf.shape(probability), tf.constant(VerdictCode.UNCERTAIN, tf.int64))
        for applies, value in (
            (probability < self.real_below, VerdictCode.REAL),
            (probability > self.fake_above, VerdictCode.FAKE),
            (~readable, VerdictCode.UNREADABLE),
        ):
            verdict = tf.where(applies, tf.constant(value, tf.int64), verdict)
        return verdict

    def to_json(self) -> dict[str, Any]:
        """Content of `model.json`: `calibration` and `thresholds`."""
        return {
            "calibration": self.calibrator.to_json(),
            "thresholds": {"real_below": self.real_below, "fake_above": self.fake_above},
        }
