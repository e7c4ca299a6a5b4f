"""The Evaluator: its configuration (metrics, slices, gate) and its results."""

import dataclasses
from collections.abc import Collection, Iterable

import tensorflow_model_analysis as tfma
from google.protobuf.wrappers_pb2 import DoubleValue
from tensorflow_model_analysis.proto import validation_result_pb2

from data.utils.errors import UsageError
from pipeline.config import EvaluationConfig, Threshold

CANDIDATE, BASELINE = "candidate", "baseline"

_SPEC = {
    "signature_name": "serving_examples",
    "model_type": "tf_generic",
    "label_key": "label",
    "prediction_key": "fake_probability",
}
_METRICS = {"auc": "AUC", "log_loss": "BinaryCrossEntropy", "accuracy": "BinaryAccuracy"}


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
                class_name=class_name,
                config=f'{{"name": "{name}"}}',
                per_slice_thresholds=[
                    _per_slice(threshold) for threshold in config.gate if threshold.metric == name
                ],
            )
            for name, class_name in _METRICS.items()
        ),
    ]
    return tfma.EvalConfig(
        model_specs=[
            tfma.ModelSpec(
                name=CANDIDATE, preprocessing_function_names=["transform_features"], **_SPEC
            ),
            tfma.ModelSpec(
                name=BASELINE,
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


@dataclasses.dataclass(frozen=True)
class SliceMetrics:
    """The metrics of one slice of `test`.

    Attributes:
        slice: for example `slice/method = Deepfakes`; `all videos` for no slice.
        videos: number of videos.
        auc: area under the ROC curve, 0 to 1; None where the slice holds one class.
        log_loss: mean cross-entropy in nats.
        accuracy: share of correct answers at a threshold of 0.5, 0 to 1.
    """

    slice: str
    videos: int
    auc: float | None
    log_loss: float
    accuracy: float


def read_metrics(path: str, model: str = CANDIDATE) -> list[SliceMetrics]:
    """Reads the metrics that the Evaluator wrote.

    Args:
        path: folder of its `evaluation` output.
        model: `CANDIDATE` or `BASELINE`.

    Returns:
        All videos first, then the slices by name.
    """
    result = tfma.load_eval_result(path, model_name=model)
    rows = []
    for key, metrics in result.slicing_metrics:
        values = {name: value.get("doubleValue") for name, value in metrics[""][""].items()}
        one_class = values["mean_label"] in (0.0, 1.0)
        rows.append(
            SliceMetrics(
                slice=_slice_name(key),
                videos=int(values["example_count"]),
                auc=None if one_class else float(values["auc"]),
                log_loss=float(values["log_loss"]),
                accuracy=float(values["accuracy"]),
            )
        )
    return sorted(rows, key=lambda row: (row.slice != _ALL, row.slice))


def read_refusals(path: str) -> list[str]:
    """Reads which conditions of the gate were missed.

    Args:
        path: folder of the Evaluator's `evaluation` output.

    Returns:
        One line a condition: slice, metric, value and what was required. Empty if all were met.
    """
    result = tfma.load_validation_result(path)
    lines = [
        f"{_slice_name(spec.feature_values.items())}: no video of `test` is in this slice"
        for spec in result.missing_slices
    ]
    for validation in result.metric_validations_per_slice:
        keys = validation.slice_key.single_slice_keys
        where = _slice_name([(key.column, key.bytes_value.decode()) for key in keys])
        lines += [f"{where}: {_explain(failure)}" for failure in validation.failures]
    if not result.validation_ok and not lines:
        lines.append(f"TFMA refuses it without a reason, see {path}")
    return lines


_ALL = "all videos"


def _slice_name(key: Iterable[tuple[str, object]]) -> str:
    return ", ".join(f"{column} = {value}" for column, value in key) or _ALL


def _explain(failure: validation_result_pb2.ValidationFailure) -> str:
    """For example `auc is 0.7312, the gate requires 0.8 or more`."""
    name = failure.metric_key.name
    value = failure.metric_value.double_value.value
    if failure.metric_key.is_diff:
        change = failure.metric_threshold.change_threshold
        allowed = abs(change.absolute.value)
        return (
            f"{name} is {abs(value):.4f} {'below' if value < 0 else 'above'} the served model's, "
            f"the gate allows {allowed:g}"
        )
    bounds = failure.metric_threshold.value_threshold
    required = []
    if bounds.HasField("lower_bound"):
        required.append(f"{bounds.lower_bound.value:g} or more")
    if bounds.HasField("upper_bound"):
        required.append(f"{bounds.upper_bound.value:g} or less")
    return f"{name} is {value:.4f}, the gate requires {' and '.join(required)}"
