"""Answers, codes and messages of TensorFlow Serving, over the wire."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
)

pytestmark = pytest.mark.slow

A = np.array([[1, 2], [3, 4]], np.float32)
B = np.array([b"p", b"q\0"], object)


def predict_request(
    inputs=None, *, name="tiny", signature="two_inputs", version=None, label="", outputs=()
):
    request = predict_pb2.PredictRequest(output_filter=outputs)
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    if label:
        request.model_spec.version_label = label
    for alias, value in ({"a": A, "b": B} if inputs is None else inputs).items():
        request.inputs[alias].CopyFrom(tf.make_tensor_proto(value))
    return request


def test_predict_answers_every_output(stub):
    response = stub.Predict(predict_request())
    assert set(response.outputs) == {"x", "y"}
    np.testing.assert_array_equal(tf.make_ndarray(response.outputs["x"]), A)
    assert list(response.outputs["x"].float_val) == [1, 2, 3, 4]
    assert list(response.outputs["y"].string_val) == [b"p\0", b"q\0\0"]
    assert response.model_spec.name == "tiny"
    assert response.model_spec.version.value == 1
    assert response.model_spec.signature_name == "two_inputs"


def test_signature_is_serving_default_unless_named(stub, face_jpeg):
    response = stub.Predict(predict_request({"faces": [face_jpeg(255)]}, signature=""))
    assert list(response.outputs["fake_probability"].float_val) == [1.0]
    assert list(response.outputs["verdict"].int64_val) == [1]
    assert response.model_spec.signature_name == "serving_default"


@pytest.mark.parametrize("outputs", [["x"], ["y"], ["y", "x"]])
def test_output_filter_chooses(stub, outputs):
    assert set(stub.Predict(predict_request(outputs=outputs)).outputs) == set(outputs)


def test_a_shape_that_the_graph_tolerates_succeeds(stub):
    vector = np.array([5, 6, 7], np.float32)
    response = stub.Predict(predict_request({"a": vector, "b": B}))
    np.testing.assert_array_equal(tf.make_ndarray(response.outputs["x"]), vector)


def test_a_large_message_passes(stub):
    large = np.zeros([2**20, 2], np.float32)  # 8 MiB, beyond gRPC's default
    response = stub.Predict(predict_request({"a": large, "b": B}, outputs=["y"]))
    assert set(response.outputs) == {"y"}


UNPARSABLE = predict_request()
UNPARSABLE.inputs["a"].tensor_content = b"torn"
UNKNOWN_TYPE = predict_request()
UNKNOWN_TYPE.inputs["a"].dtype = 99
NO_TYPE = predict_request()
NO_TYPE.inputs["a"].dtype = 0
UNKNOWN_RANK = predict_request()
UNKNOWN_RANK.inputs["a"].tensor_shape.unknown_rank = True
NEGATIVE_DIMENSION = predict_request()
NEGATIVE_DIMENSION.inputs["a"].tensor_shape.dim[0].size = -1

PREDICT_ERRORS = {
    "no model spec": (
        predict_pb2.PredictRequest(),
        "INVALID_ARGUMENT",
        "Missing ModelSpec",
    ),
    "empty name": (
        predict_request(name=""),
        "INVALID_ARGUMENT",
        "ModelSpec has no name specified.",
    ),
    "unknown model": (
        predict_request(name="nobody"),
        "NOT_FOUND",
        "Servable not found for request: Latest(nobody)",
    ),
    "unknown version": (
        predict_request(version=7),
        "NOT_FOUND",
        "Servable not found for request: Specific(tiny, 7)",
    ),
    "unknown label": (
        predict_request(label="stable"),
        "INVALID_ARGUMENT",
        "Unrecognized servable version label: stable",
    ),
    "unknown signature": (
        predict_request(signature="S"),
        "FAILED_PRECONDITION",
        'Serving signature key "S" not found.',
    ),
    "signature that is no function": (
        predict_request(signature="__saved_model_init_op"),
        "FAILED_PRECONDITION",
        'Serving signature key "__saved_model_init_op" not found.',
    ),
    "missing input": (
        predict_request({"a": A}),
        "INVALID_ARGUMENT",
        "input size does not match signature: 1!=2 len({a}) != len({a,b}). "
        "Sent extra: {}. Missing but required: {b}.",
    ),
    "extra input": (
        predict_request({"a": A, "b": B, "c": A}),
        "INVALID_ARGUMENT",
        "input size does not match signature: 3!=2 len({a,b,c}) != len({a,b}). "
        "Sent extra: {c}. Missing but required: {}.",
    ),
    "other input": (
        predict_request({"a": A, "z": B}),
        "INVALID_ARGUMENT",
        "Signature input alias: b(feed name: two_inputs_b:0) not found in request and no "
        "default value provided. Inputs expected to be in the request {a,z}, or default input "
        "alias set: ",
    ),
    "unknown output": (
        predict_request(outputs=["Z"]),
        "INVALID_ARGUMENT",
        "output tensor alias not found in signature: Z Outputs expected to be in the set {x,y}.",
    ),
    "the same output twice": (
        predict_request(outputs=["y", "y"]),
        "INVALID_ARGUMENT",
        "duplicate output tensor alias: y",
    ),
    "wrong type": (
        predict_request({"a": np.array([[b"1", b"2"]], object), "b": B}),
        "INVALID_ARGUMENT",
        "Expects arg[0] to be float but string is provided",
    ),
    "unparsable tensor": (UNPARSABLE, "INVALID_ARGUMENT", "tensor parsing error: a"),
    "unknown type": (UNKNOWN_TYPE, "INVALID_ARGUMENT", "tensor parsing error: a"),
    "no type": (NO_TYPE, "INVALID_ARGUMENT", "tensor parsing error: a"),
    "unknown rank": (UNKNOWN_RANK, "INVALID_ARGUMENT", "tensor parsing error: a"),
    "negative dimension": (NEGATIVE_DIMENSION, "INVALID_ARGUMENT", "tensor parsing error: a"),
}


@pytest.mark.parametrize(
    ("request_", "code", "message"), PREDICT_ERRORS.values(), ids=PREDICT_ERRORS
)
def test_predict_errors(stub, request_, code, message):
    with pytest.raises(grpc.RpcError) as caught:
        stub.Predict(request_)
    assert (caught.value.code().name, caught.value.details()) == (code, message)


@pytest.mark.parametrize(
    ("inputs", "signature", "part"),
    [
        ({"a": np.ones([2, 5], np.float32)}, "product", "Matrix size-incompatible"),
        ({"faces": [b"no picture"]}, "serving_default", "Unknown image file format"),
    ],
)
def test_a_failing_operation_speaks_for_itself(stub, inputs, signature, part):
    with pytest.raises(grpc.RpcError) as caught:
        stub.Predict(predict_request(inputs, signature=signature))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert part in caught.value.details()
    assert "[Op:" not in caught.value.details()
    assert "Graph execution error" not in caught.value.details()


def metadata_request(name="tiny", fields=("signature_def",), version=None, label=""):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    request.model_spec.name = name
    if label:
        request.model_spec.version_label = label
    if version is not None:
        request.model_spec.version.value = version
    return request


def test_metadata_describes_the_signatures(stub):
    response = stub.GetModelMetadata(metadata_request())
    assert response.model_spec.name == "tiny"
    assert response.model_spec.version.value == 1
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert set(signatures.signature_def) > {"serving_default", "serving_tracks", "two_inputs"}
    tracks = signatures.signature_def["serving_tracks"]
    assert tracks.method_name == "tensorflow/serving/predict"
    assert [dim.size for dim in tracks.inputs["faces"].tensor_shape.dim] == [-1, 4]
    assert tracks.inputs["faces"].dtype == tf.string.as_datatype_enum
    assert set(tracks.outputs) == {
        "fake_probability",
        "face_probability",
        "scope",
        "verdict",
    }


METADATA_ERRORS = {
    "no model spec": (
        get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"]),
        "INVALID_ARGUMENT",
        "Missing ModelSpec",
    ),
    "no field": (
        metadata_request(fields=[]),
        "INVALID_ARGUMENT",
        "GetModelMetadataRequest must specify at least one metadata_field",
    ),
    "another field": (
        metadata_request(fields=["X"]),
        "INVALID_ARGUMENT",
        "Metadata field X is not supported",
    ),
    "empty name": (
        metadata_request(name=""),
        "INVALID_ARGUMENT",
        "ModelSpec has no name specified.",
    ),
    "unknown model": (
        metadata_request(name="nobody"),
        "NOT_FOUND",
        "Servable not found for request: Latest(nobody)",
    ),
    "unknown version": (
        metadata_request(version=7),
        "NOT_FOUND",
        "Servable not found for request: Specific(tiny, 7)",
    ),
    "unknown label": (
        metadata_request(label="X"),
        "INVALID_ARGUMENT",
        "Unrecognized servable version label: X",
    ),
}


@pytest.mark.parametrize(
    ("request_", "code", "message"), METADATA_ERRORS.values(), ids=METADATA_ERRORS
)
def test_metadata_errors(stub, request_, code, message):
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetModelMetadata(request_)
    assert (caught.value.code().name, caught.value.details()) == (code, message)


def status_request(name, version=None, label=""):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = name
    if label:
        request.model_spec.version_label = label
    if version is not None:
        request.model_spec.version.value = version
    return request


@pytest.mark.parametrize("version", [None, 1])
def test_status_of_what_serves(model_stub, version):
    (status,) = model_stub.GetModelStatus(status_request("tiny", version)).model_version_status
    assert status.version == 1
    assert status.state == get_model_status_pb2.ModelVersionStatus.AVAILABLE
    assert status.HasField("status")
    assert (status.status.error_code, status.status.error_message) == (0, "")


STATUS_ERRORS = {
    "no model spec": (
        get_model_status_pb2.GetModelStatusRequest(),
        "INVALID_ARGUMENT",
        "Missing ModelSpec",
    ),
    "unknown model": (
        status_request("nobody"),
        "NOT_FOUND",
        "Could not find any versions of model nobody",
    ),
    "unknown version": (
        status_request("tiny", 7),
        "NOT_FOUND",
        "Could not find version 7 of model tiny",
    ),
    "empty name": (status_request(""), "NOT_FOUND", "Could not find any versions of model "),
}


@pytest.mark.parametrize(("request_", "code", "message"), STATUS_ERRORS.values(), ids=STATUS_ERRORS)
def test_status_errors(model_stub, request_, code, message):
    with pytest.raises(grpc.RpcError) as caught:
        model_stub.GetModelStatus(request_)
    assert (caught.value.code().name, caught.value.details()) == (code, message)
