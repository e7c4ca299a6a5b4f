import numpy as np
import pandas as pd
import pytest
import tensorflow_model_analysis as tfma
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from data.utils.errors import UsageError
from pipeline.config import EvaluationConfig
from pipeline.evaluation import eval_config

TEXT = {"dataset", "slice/method"}
BUCKETS = {"slice/face_size"}


def build(gate, slices=("dataset",)):
    config = EvaluationConfig(slices=list(slices), gate=gate)
    return eval_config(config, TEXT, BUCKETS)


def thresholds(eval_config):
    return [
        (metric.class_name, dict(spec.feature_values), threshold.threshold)
        for metric in eval_config.metrics_specs[0].metrics
        for threshold in metric.per_slice_thresholds
        for spec in threshold.slicing_specs
    ]


def test_a_condition_applies_to_its_slice_alone():
    conditions = thresholds(
        build(
            [
                {"metric": "auc", "lower": 0.9},
                {"metric": "log_loss", "upper": 0.5, "slice": {"slice/method": "Deepfakes"}},
            ]
        )
    )
    (auc, overall, auc_bounds), (loss, of_slice, loss_bounds) = conditions
    assert (auc, overall) == ("ExactAuc", {})
    assert auc_bounds.value_threshold.lower_bound.value == 0.9
    assert not auc_bounds.value_threshold.HasField("upper_bound")
    assert (loss, of_slice) == ("BinaryCrossEntropy", {"slice/method": "Deepfakes"})
    assert loss_bounds.value_threshold.upper_bound.value == 0.5


@pytest.mark.parametrize(
    ("metric", "bound", "direction", "change"),
    [("auc", "lower", "HIGHER_IS_BETTER", -0.01), ("log_loss", "upper", "LOWER_IS_BETTER", 0.01)],
)
def test_a_drop_is_towards_the_worse_side(metric, bound, direction, change):
    gate = [{"metric": metric, bound: 0.5, "largest_drop": 0.01}]
    ((_, _, bounds),) = thresholds(build(gate))
    threshold = bounds.change_threshold
    assert threshold.absolute.value == pytest.approx(change)
    assert threshold.direction == tfma.MetricDirection.Value(direction)


def test_a_gated_slice_is_computed_even_if_it_is_not_reported():
    gate = [{"metric": "auc", "lower": 0.5, "slice": {"slice/face_size": "small"}}]
    computed = [dict(spec.feature_values) for spec in build(gate).slicing_specs]
    assert {"slice/face_size": "small"} in computed


def test_a_gated_crossing_of_features_is_computed_though_each_is_reported():
    gate = [{"metric": "auc", "lower": 0.5, "slice": {"dataset": "a", "slice/method": "b"}}]
    computed = [
        dict(spec.feature_values) for spec in build(gate, ["dataset", "slice/method"]).slicing_specs
    ]
    assert {"dataset": "a", "slice/method": "b"} in computed


@pytest.mark.parametrize(
    ("gate", "slices"),
    [
        ([{"metric": "auc", "lower": 0.5}], ["slice/skin"]),
        ([{"metric": "auc", "lower": 0.5, "slice": {"slice/skin": "1"}}], ["dataset"]),
    ],
)
def test_a_slice_that_nothing_produces_is_an_error(gate, slices):
    with pytest.raises(UsageError, match=r"no feature 'slice/skin' to slice by; there are dataset"):
        build(gate, slices)


def measure(labels, probabilities):
    """The metrics that the Evaluator computes of a table of videos, by name."""
    config = build([{"metric": "auc", "lower": 0.5}], slices=[])
    del config.model_specs[1]
    config.model_specs[0].ClearField("preprocessing_function_names")
    table = pd.DataFrame({"label": labels, "fake_probability": probabilities})
    config.model_specs[0].name = ""
    result = tfma.analyze_raw_data(table, config)
    ((_, metrics),) = result.slicing_metrics
    return {name: value["doubleValue"] for name, value in metrics[""][""].items()}


@pytest.mark.slow
@pytest.mark.parametrize("log_odds", [1, 6, 10, 12])
def test_auc_keeps_its_resolution_where_probabilities_are_saturated(log_odds):
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], 200)
    scores = (random.normal(np.where(labels, 1, -1)) + log_odds).astype(np.float32)
    auc = measure(labels, expit(scores))["auc"]
    assert auc == pytest.approx(roc_auc_score(labels, scores), abs=1e-3)


@pytest.mark.slow
def test_auc_of_one_class_is_not_a_number():
    assert measure([1, 1], np.float32([0.2, 0.7]))["auc"] == "NaN"


@pytest.mark.slow
def test_even_odds_count_as_fake():
    below = np.nextafter(np.float32(0.5), np.float32(0))
    above = np.nextafter(np.float32(0.5), np.float32(1))
    assert measure([1, 1, 0], [np.float32(0.5), above, below])["accuracy"] == 1.0
    assert measure([0, 0, 1], [np.float32(0.5), above, below])["accuracy"] == 0.0
