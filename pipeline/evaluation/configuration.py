"""What the Evaluator is asked for: metrics, slices and the gate, as TFMA takes them."""

import json
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import tensorflow_model_analysis as tfma
from google.protobuf.wrappers_pb2 import DoubleValue

from data.utils.errors import UsageError
from pipeline.config import EvaluationConfig, Threshold
from pipeline.evaluation.exact_auc import ExactAuc

CANDIDATE = "candidate"

_SPEC = {
    "signature_name": "serving_examples",
    "model_type": "tf_generic",
    "label_key": "label",
    "prediction_key": "fake_probability",
}

_BELOW_HALF = float(np.nextafter(np.float32(0.5), np.float32(0)))
"""TFMA calls fake what lies over its threshold, and the field what is 0.5 or more."""

_METRICS: Mapping[str, tuple[type[tfma.metrics.Metric], Mapping[str, Any]]] = {
    "auc": (ExactAuc, {}),
    "log_loss": (tfma.metrics.BinaryCrossEntropy, {}),
    "accuracy": (tfma.metrics.BinaryAccuracy, {"threshold": _BELOW_HALF}),
}


def eval_config(
    config: EvaluationConfig, text_features: Collection[str], buckets: Collection[str]
) -> tfma.EvalConfig:
    """Builds TFMA's configuration: two models, video metrics, slices and the gate.

    The two models take their labels and bucket slices through different signatures, since a
    baseline's own buckets, which may lie elsewhere, would be added to the candidate's.

    Args:
        config: slices to report, and the gate.
        text_features: features of the Examples that hold text.
        buckets: slice features that Transform computes.

    Raises:
        UsageError: a slice is of neither kind; TFMA would ignore it silently.
    """
    known = {*text_features, *buckets}
    gated = [key for threshold in config.gate for key in threshold.slice]
    for key in [*config.slices, *gated]:
        if key not in known:
            raise UsageError(
                f"evaluation: the videos have no feature '{key}' to slice by; "
                f"there are {', '.join(sorted(known))}"
            )
    slices = [tfma.SlicingSpec()]
    slices += [tfma.SlicingSpec(feature_keys=[key]) for key in config.slices]
    slices += [
        tfma.SlicingSpec(feature_values=threshold.slice)
        for threshold in config.gate
        if len(threshold.slice) > 1 or not set(threshold.slice) <= set(config.slices)
    ]
    metrics = [
        tfma.MetricConfig(class_name="ExampleCount"),
        tfma.MetricConfig(class_name="MeanLabel"),
        *(
            tfma.MetricConfig(
                class_name=metric.__name__,
                module=metric.__module__,
                config=json.dumps({"name": name, **options}),
                per_slice_thresholds=[
                    _per_slice(threshold) for threshold in config.gate if threshold.metric == name
                ],
            )
            for name, (metric, options) in _METRICS.items()
        ),
    ]
    return tfma.EvalConfig(
        model_specs=[
            tfma.ModelSpec(
                name=CANDIDATE, preprocessing_function_names=["transform_features"], **_SPEC
            ),
            tfma.ModelSpec(
                name="baseline",
                is_baseline=True,
                preprocessing_function_names=["transform_labels"],
                **_SPEC,
            ),
        ],
        metrics_specs=[tfma.MetricsSpec(metrics=metrics)],
        slicing_specs=slices,
    )


def _per_slice(threshold: Threshold) -> tfma.PerSliceMetricThreshold:
    value = tfma.GenericValueThreshold()
    if threshold.lower is not None:
        value.lower_bound.CopyFrom(DoubleValue(value=threshold.lower))
    if threshold.upper is not None:
        value.upper_bound.CopyFrom(DoubleValue(value=threshold.upper))
    bounds = tfma.MetricThreshold(value_threshold=value)
    if threshold.largest_drop is not None:
        high = threshold.metric != "log_loss"
        direction = (
            tfma.MetricDirection.HIGHER_IS_BETTER if high else tfma.MetricDirection.LOWER_IS_BETTER
        )
        change = -threshold.largest_drop if high else threshold.largest_drop
        bounds.change_threshold.CopyFrom(
            tfma.GenericChangeThreshold(absolute=DoubleValue(value=change), direction=direction)
        )
    return tfma.PerSliceMetricThreshold(
        slicing_specs=[tfma.SlicingSpec(feature_values=threshold.slice)], threshold=bounds
    )
