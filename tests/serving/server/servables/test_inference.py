"""Classify, Regress and MultiInference over the wire, of models that are not ours.

The values are those of TensorFlow Serving's `tensorflow_model_server_test.py`.
"""

import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, regression_pb2

from tests.serving.server.servables.inference_requests import (
    CLASSIFY,
    REGRESS,
    classify_request,
    example,
    inference_request,
    regress_request,
)


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("classify_x_to_y", [[("", 3.0)], [("", 12.0)]]),
        ("classify_labels", [[("3", 0.0)], [("12", 0.0)]]),
        ("classify_both", [[("3", 3.0), ("3", 4.0)], [("12", 12.0), ("12", 13.0)]]),
    ],
)
def test_classify_answers_labels_scores_or_both(inference_stub, signature, expected):
    response = inference_stub.Classify(classify_request(signature, [2.0, 20.0]))
    answered = [
        [(c.label, c.score) for c in row.classes] for row in response.result.classifications
    ]
    assert answered == expected
    assert response.model_spec.name == "default"
    assert response.model_spec.signature_name == signature
    assert response.model_spec.version.value == 123


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("regress_x_to_y", [3.0, 12.0]),
        ("regress_x_to_y2", [4.0, 13.0]),
        ("regress_flat", [3.0, 12.0]),
    ],
)
def test_regress_answers_a_value_an_example(inference_stub, signature, expected):
    response = inference_stub.Regress(regress_request(signature, [2.0, 20.0]))
    assert [r.value for r in response.result.regressions] == expected
    assert response.model_spec.signature_name == signature
    assert response.model_spec.version.value == 123


def test_the_context_counts_for_every_example(inference_stub):
    request = regression_pb2.RegressionRequest()
    request.model_spec.name = "default"
    request.model_spec.signature_name = "regress_x2"
    listed = request.input.example_list_with_context
    listed.context.CopyFrom(example(x2=10.0))
    listed.examples.extend([example(x=1.0), example(x=2.0)])
    assert [r.value for r in inference_stub.Regress(request).result.regressions] == [7.0, 7.0]


def test_multi_inference_answers_each_task(inference_stub):
    response = inference_stub.MultiInference(
        inference_request(("regress_x_to_y", REGRESS), ("classify_x_to_y", CLASSIFY))
    )
    regression, classification = response.results
    assert [r.value for r in regression.regression_result.regressions] == [3.0]
    assert classification.classification_result.classifications[0].classes[0].score == 3.0
    for result, name in ((regression, "regress_x_to_y"), (classification, "classify_x_to_y")):
        assert result.model_spec.name == "default"
        assert result.model_spec.signature_name == name
        assert result.model_spec.version.value == 123


def test_predict_works_with_a_model_of_tensorflow_1(inference_stub):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "default"
    request.inputs["x"].CopyFrom(tf.make_tensor_proto([[2.0], [20.0]]))
    assert list(inference_stub.Predict(request).outputs["y"].float_val) == [3.0, 12.0]


def test_signatures_that_tensorflow_2_writes_work_too(inference_stub):
    response = inference_stub.Classify(classify_request("classify", [4.0], "modern"))
    (label,) = response.result.classifications[0].classes
    assert (label.label, label.score) == ("4", 2.0)
    response = inference_stub.Regress(regress_request("regress", [4.0], "modern"))
    assert [r.value for r in response.result.regressions] == [2.0]
