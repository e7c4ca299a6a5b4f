"""Classify, Regress and MultiInference over the wire, of models that are not ours.

The values are those of TensorFlow Serving's `tensorflow_model_server_test.py`; the messages are
copied from its `classifier.cc`, `regressor.cc` and `multi_inference.cc`.
"""

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from serving.server.model_server import ModelServer

CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"


class TwoMethods(tf.Module):
    """Classification and regression as TensorFlow 2 writes them: `predict` by method name."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def classify(self, inputs):
        x = tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"]
        return {"classes": tf.strings.as_string(tf.cast(x, tf.int32)), "scores": x / 2.0}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def regress(self, inputs):
        x = tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"]
        return {"outputs": x / 2.0}


@pytest.fixture(scope="module")
def stub(half_plus_two, tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    (root / "default").symlink_to(half_plus_two.parent)
    modern = TwoMethods()
    signatures = {"classify": modern.classify, "regress": modern.regress}
    tf.saved_model.save(modern, str(root / "modern" / "1"), signatures=signatures)
    with ModelServer(root) as server, grpc.insecure_channel(server.target) as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


def example(**features):
    return tf.train.Example(
        features=tf.train.Features(
            feature={
                name: tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
                for name, value in features.items()
            }
        )
    )


def request_of(message, signature, examples=(2.0,), model="default"):
    message.model_spec.name = model
    message.model_spec.signature_name = signature
    message.input.example_list.examples.extend(example(x=x) for x in examples)
    return message


def classify_request(signature, examples=(2.0,), model="default"):
    return request_of(classification_pb2.ClassificationRequest(), signature, examples, model)


def regress_request(signature, examples=(2.0,), model="default"):
    return request_of(regression_pb2.RegressionRequest(), signature, examples, model)


def inference_request(*tasks, examples=(2.0,)):
    request = inference_pb2.MultiInferenceRequest()
    for signature, method in tasks:
        task = request.tasks.add(method_name=method)
        task.model_spec.name = "default"
        task.model_spec.signature_name = signature
    request.input.example_list.examples.extend(example(x=x) for x in examples)
    return request


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("classify_x_to_y", [[("", 3.0)], [("", 12.0)]]),
        ("classify_labels", [[("3", 0.0)], [("12", 0.0)]]),
        ("classify_both", [[("3", 3.0), ("3", 4.0)], [("12", 12.0), ("12", 13.0)]]),
    ],
)
def test_classify_answers_labels_scores_or_both(stub, signature, expected):
    response = stub.Classify(classify_request(signature, [2.0, 20.0]))
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
def test_regress_answers_a_value_an_example(stub, signature, expected):
    response = stub.Regress(regress_request(signature, [2.0, 20.0]))
    assert [r.value for r in response.result.regressions] == expected
    assert response.model_spec.signature_name == signature
    assert response.model_spec.version.value == 123


def test_the_context_counts_for_every_example(stub):
    request = regression_pb2.RegressionRequest()
    request.model_spec.name = "default"
    request.model_spec.signature_name = "regress_x2"
    listed = request.input.example_list_with_context
    listed.context.CopyFrom(example(x2=10.0))
    listed.examples.extend([example(x=1.0), example(x=2.0)])
    assert [r.value for r in stub.Regress(request).result.regressions] == [7.0, 7.0]


def test_multi_inference_answers_each_task(stub):
    response = stub.MultiInference(
        inference_request(("regress_x_to_y", REGRESS), ("classify_x_to_y", CLASSIFY))
    )
    regression, classification = response.results
    assert [r.value for r in regression.regression_result.regressions] == [3.0]
    assert classification.classification_result.classifications[0].classes[0].score == 3.0
    for result, name in ((regression, "regress_x_to_y"), (classification, "classify_x_to_y")):
        assert result.model_spec.name == "default"
        assert result.model_spec.signature_name == name
        assert result.model_spec.version.value == 123


def test_predict_asks_a_model_of_tensorflow_1(stub):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "default"
    request.inputs["x"].CopyFrom(tf.make_tensor_proto([[2.0], [20.0]]))
    assert list(stub.Predict(request).outputs["y"].float_val) == [3.0, 12.0]


def test_signatures_that_tensorflow_2_writes_are_asked_too(stub):
    response = stub.Classify(classify_request("classify", [4.0], "modern"))
    (label,) = response.result.classifications[0].classes
    assert (label.label, label.score) == ("4", 2.0)
    response = stub.Regress(regress_request("regress", [4.0], "modern"))
    assert [r.value for r in response.result.regressions] == [2.0]


def no_model(request):
    request.ClearField("model_spec")
    return request


def tasks_of_two_models():
    request = inference_request(("regress_x_to_y", REGRESS), ("classify_x_to_y", CLASSIFY))
    request.tasks[1].model_spec.name = "modern"
    return request


def second_task_without_a_model():
    request = inference_request(("regress_x_to_y", REGRESS), ("classify_x_to_y", CLASSIFY))
    request.tasks[1].model_spec.name = ""
    return request


INVALID = "INVALID_ARGUMENT"
SIZE = "Expected Tensor shape: [batch_size num_classes] but got"
ERRORS = {
    "classify: no model spec": (
        "Classify",
        no_model(classify_request("classify_x_to_y")),
        INVALID,
        "Missing ModelSpec",
    ),
    "regress: no model spec": (
        "Regress",
        no_model(regress_request("regress_x_to_y")),
        INVALID,
        "Missing ModelSpec",
    ),
    "classify: unknown model": (
        "Classify",
        classify_request("classify_x_to_y", model="nobody"),
        "NOT_FOUND",
        "Servable not found for request: Latest(nobody)",
    ),
    "classify: unknown signature": (
        "Classify",
        classify_request("S"),
        INVALID,
        "No signature was found with the name: S",
    ),
    "regress: unknown signature": (
        "Regress",
        regress_request("S"),
        INVALID,
        "No signature was found with the name: S",
    ),
    "regress: no default signature": (
        "Regress",
        regress_request("", model="modern"),
        INVALID,
        "No signature was found with the name: serving_default",
    ),
    "classify: no examples": (
        "Classify",
        classify_request("classify_x_to_y", []),
        INVALID,
        "Input is empty.",
    ),
    "regress: no examples": (
        "Regress",
        regress_request("regress_x_to_y", []),
        INVALID,
        "Input is empty.",
    ),
    "inference: no examples": (
        "MultiInference",
        inference_request(("regress_x_to_y", REGRESS), examples=[]),
        INVALID,
        "Input is empty.",
    ),
    "classify: shape": ("Classify", classify_request("wrong_rank"), INVALID, f"{SIZE} [1]"),
    "classify: scores' type": (
        "Classify",
        classify_request("wrong_type"),
        INVALID,
        "Expected scores Tensor of DT_FLOAT. Got: DT_INT64",
    ),
    "classify: classes' type": (
        "Classify",
        classify_request("wrong_classes"),
        INVALID,
        "Expected classes Tensor of DT_STRING. Got: DT_FLOAT",
    ),
    "classify: rows": (
        "Classify",
        classify_request("wrong_rows", [1.0, 2.0]),
        INVALID,
        "Expected scores output batch size of 2. Got: 1",
    ),
    "classify: counts": (
        "Classify",
        classify_request("wrong_count"),
        INVALID,
        "Tensors class and score should match in dim_size(1). Got 1 vs. 2",
    ),
    "classify: outputs' names": (
        "Classify",
        classify_request("wrong_outputs"),
        INVALID,
        "Expected classification signature outputs to contain at least one of "
        '"classes" or "scores". Signature was: inputs {',
    ),
    "classify: input's name": (
        "Classify",
        classify_request("wrong_inputs"),
        INVALID,
        "No classification inputs found in SignatureDef: inputs {",
    ),
    "classify: no such signature's inputs": (
        "Classify",
        classify_request("two_inputs", model="tiny"),
        "NOT_FOUND",
        "Servable not found for request: Latest(tiny)",
    ),
    "regress: shape": (
        "Regress",
        regress_request("regress_rank"),
        INVALID,
        "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got [1,2]",
    ),
    "regress: rows": (
        "Regress",
        regress_request("regress_rows", [1.0, 2.0]),
        INVALID,
        "Input batch size did not match output batch size: 2 vs. 1",
    ),
    "regress: type": (
        "Regress",
        regress_request("regress_type"),
        INVALID,
        "Expected output Tensor of DT_FLOAT.  Got: DT_STRING",
    ),
    "regress: output's name": (
        "Regress",
        regress_request("regress_results"),
        INVALID,
        "No regression outputs found in SignatureDef: inputs {",
    ),
    "regress: input's type": (
        "Regress",
        regress_request("float_inputs"),
        INVALID,
        "Expects arg[0] to be float but string is provided",
    ),
    "regress: input's name": (
        "Regress",
        regress_request("serving_default"),
        INVALID,
        "No regression inputs found in SignatureDef: inputs {",
    ),
    "regress: outputs": (
        "Regress",
        regress_request("classify_both"),
        INVALID,
        "Expected one output Tensor.",
    ),
    "inference: no tasks": (
        "MultiInference",
        inference_request(),
        INVALID,
        "ModelSpec has no name specified.",
    ),
    "inference: a later task without a model": (
        "MultiInference",
        second_task_without_a_model(),
        INVALID,
        "Found ModelSpec with an empty model name.",
    ),
    "inference: two models": (
        "MultiInference",
        tasks_of_two_models(),
        INVALID,
        "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
    ),
    "inference: a signature twice": (
        "MultiInference",
        inference_request(("regress_x_to_y", REGRESS), ("regress_x_to_y", REGRESS)),
        INVALID,
        "Duplicate evaluation of signature: regress_x_to_y",
    ),
    "inference: unknown signature": (
        "MultiInference",
        inference_request(("S", REGRESS)),
        INVALID,
        "Requested signature not found in model graph: S",
    ),
    "inference: other method": (
        "MultiInference",
        inference_request(("regress_x_to_y", "tensorflow/serving/predict")),
        "UNIMPLEMENTED",
        "Unsupported signature method_name: tensorflow/serving/predict",
    ),
    "inference: a regression as classification": (
        "MultiInference",
        inference_request(("regress_x_to_y", CLASSIFY)),
        INVALID,
        "Expected classification signature outputs to contain at least one of "
        '"classes" or "scores". Signature was: inputs {',
    ),
    "inference: a classification as regression": (
        "MultiInference",
        inference_request(("classify_both", REGRESS)),
        INVALID,
        "Expected one output Tensor.",
    ),
    "a failing operation": (
        "Regress",
        regress_request("regress", [], "modern"),
        INVALID,
        "Name: <unknown>, Feature: x (data type: float) is required but could not be found."
        "\n\t [[{",
    ),
}
ERRORS["a failing operation"][1].input.example_list.examples.add()


@pytest.mark.parametrize(
    ("method", "request_", "code", "message"), ERRORS.values(), ids=list(ERRORS)
)
def test_errors(stub, method, request_, code, message):
    with pytest.raises(grpc.RpcError) as caught:
        getattr(stub, method)(request_)
    told = caught.value.details()
    assert caught.value.code().name == code
    # A message that ends in a description goes on.
    assert told == message or (message.endswith("{") and told.startswith(message))
