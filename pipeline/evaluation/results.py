"""What the Evaluator wrote: metrics by slice, and the conditions of the gate that were missed."""

import dataclasses
from collections.abc import Iterable

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import validation_result_pb2

from pipeline.evaluation.configuration import CANDIDATE

_ALL = "all videos"


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


def read_metrics(path: str) -> list[SliceMetrics]:
    """Reads the candidate's metrics.

    Args:
        path: folder of the Evaluator's `evaluation` output.

    Returns:
        All videos first, then the slices by name.
    """
    result = tfma.load_eval_result(path, model_name=CANDIDATE)
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
