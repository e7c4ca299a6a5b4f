"""The area under the ROC curve from the order of the scores themselves, as a metric of TFMA.

TFMA's own AUC sorts probabilities into some ten thousand bins between 0 and 1. A network that is
sure of itself has nearly all of them in the first and the last: of scores whose AUC is 0.92 it then
made 0.77 where log odds were about 10, and 0.52 at 12.
"""

from collections.abc import Iterable
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import tensorflow_model_analysis as tfma
from sklearn.metrics import roc_auc_score
from tensorflow_model_analysis.metrics import metric_util

_Accumulator = list[npt.NDArray[np.float32]]


class ExactAuc(tfma.metrics.Metric):
    """AUC of all labels and predictions of a slice; NaN where it holds one class.

    Ties count half. Eight bytes a video are held.

    Args:
        name: of the metric.
    """

    def __init__(self, name: str = "auc") -> None:
        super().__init__(metric_util.merge_per_key_computations(_computations), name=name)


class _LabelsAndPredictions(beam.CombineFn):
    """Collects arrays, float32 [2, n]: labels and predictions."""

    def __init__(self, key: tfma.metrics.MetricKey, eval_config: tfma.EvalConfig) -> None:
        self._key = key
        self._eval_config = eval_config

    def create_accumulator(self) -> _Accumulator:
        return []

    def add_input(
        self, accumulator: _Accumulator, element: tfma.metrics.StandardMetricInputs
    ) -> _Accumulator:
        for label, prediction, _ in tfma.metrics.to_label_prediction_example_weight(
            element, eval_config=self._eval_config, model_name=self._key.model_name
        ):
            accumulator.append(np.stack([label, prediction]).astype(np.float32))
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[_Accumulator]) -> _Accumulator:
        return [array for accumulator in accumulators for array in accumulator]

    def compact(self, accumulator: _Accumulator) -> _Accumulator:
        return [np.concatenate(accumulator, axis=1)] if accumulator else []

    def extract_output(self, accumulator: _Accumulator) -> dict[tfma.metrics.MetricKey, float]:
        labels, predictions = np.concatenate(accumulator, axis=1)
        one_class = np.all(labels == labels[0])
        return {self._key: np.nan if one_class else float(roc_auc_score(labels, predictions))}


def _computations(
    name: str, eval_config: tfma.EvalConfig, model_name: str, **_: Any
) -> list[tfma.metrics.MetricComputation]:
    key = tfma.metrics.MetricKey(name=name, model_name=model_name)
    combiner = _LabelsAndPredictions(key, eval_config)
    return [tfma.metrics.MetricComputation(keys=[key], preprocessors=None, combiner=combiner)]
