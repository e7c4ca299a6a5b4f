"""Wrong Classify, Regress and MultiInference requests over the wire.

The messages are copied from TensorFlow Serving's `classifier.cc`, `regressor.cc` and
`multi_inference.cc`.
"""

import grpc
import pytest

from tests.serving.server.servables.inference_requests import (
    CLASSIFY,
    REGRESS,
    classify_request,
    inference_request,
    regress_request,
)


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
def test_errors(inference_stub, method, request_, code, message):
    with pytest.raises(grpc.RpcError) as caught:
        getattr(inference_stub, method)(request_)
    details = caught.value.details()
    assert caught.value.code().name == code
    # A message that ends in a description goes on.
    assert details == message or (message.endswith("{") and details.startswith(message))
