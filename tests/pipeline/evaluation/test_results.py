"""Conditions of the gate that were missed; `test_pipeline.py` reads the metrics of a whole run."""

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_model_analysis.proto.validation_result_pb2 import ValidationResult

from pipeline import evaluation


def refusals(folder, validation):
    """What is read of a validation, which TFMA writes in this form."""
    with tf.io.TFRecordWriter(str(folder / "validations-00000-of-00001.tfrecord")) as writer:
        writer.write(text_format.Parse(validation, ValidationResult()).SerializeToString())
    return evaluation.read_refusals(str(folder))


def failure(value, threshold, is_diff=False):
    return f"""metric_validations_per_slice {{
        slice_key {{ single_slice_keys {{ column: "slice/method" bytes_value: "Deepfakes" }} }}
        failures {{
            metric_key {{ name: "auc" is_diff: {str(is_diff).lower()} }}
            metric_value {{ double_value {{ value: {value} }} }}
            metric_threshold {{ {threshold} }}
        }}
    }}"""


@pytest.mark.parametrize(
    ("validation", "sentence"),
    [
        pytest.param(
            failure(0.7, "value_threshold { lower_bound { value: 0.8 } }"),
            "auc is 0.7000, the gate requires 0.8 or more",
            id="below a bound",
        ),
        pytest.param(
            failure(
                0.5, "value_threshold { lower_bound { value: 0.1 } upper_bound { value: 0.4 } }"
            ),
            "auc is 0.5000, the gate requires 0.1 or more and 0.4 or less",
            id="outside two bounds",
        ),
        pytest.param(
            failure(-0.03, "change_threshold { absolute { value: -0.01 } }", is_diff=True),
            "auc is 0.0300 below the served model's, the gate allows 0.01",
            id="worse than what is served",
        ),
        pytest.param(
            'missing_slices { feature_values { key: "slice/method" value: "Deepfakes" } }',
            "no video of `test` is in this slice",
            id="a slice without videos",
        ),
    ],
)
def test_a_missed_condition_is_named(tmp_path, validation, sentence):
    assert refusals(tmp_path, validation) == [f"slice/method = Deepfakes: {sentence}"]


def test_nothing_is_refused_where_all_conditions_are_met(tmp_path):
    assert refusals(tmp_path, "validation_ok: true") == []


def test_a_refusal_without_a_reason_is_still_one(tmp_path):
    assert refusals(tmp_path, "") == [f"TFMA refuses it without a reason, see {tmp_path}"]
