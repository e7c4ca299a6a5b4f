"""JSON values that are no tensor of a type; texts of TensorFlow Serving's json_tensor.cc."""

import grpc
import pytest
import tensorflow as tf

from serving.server.errors import StatusError
from serving.server.rest_api import json_documents, json_tensors


def refusal(value, dtype):
    document = json_documents.parse(f'{{"value": {value}}}'.encode())
    with pytest.raises(StatusError) as caught:
        json_tensors.parse(document["value"], dtype.as_datatype_enum)
    return caught.value


REFUSED = {
    "string for a number": (
        '[[1, 2], ["a", "b"]]',
        tf.int32,
        'JSON Value: "a" Type: String is not of expected type: int32',
    ),
    "object for a number": (
        '[{"b64": "AA=="}]',
        tf.float32,
        'JSON Value: {\n    "b64": "AA=="\n} Type: Object is not of expected type: float',
    ),
    "nothing for a number": (
        "[null]",
        tf.float64,
        "JSON Value: null Type: Null is not of expected type: double",
    ),
    "truth for a number": (
        "[1.0, true]",
        tf.float32,
        "JSON Value: true Type: True is not of expected type: float",
    ),
    "number for a truth": (
        "[1]",
        tf.bool,
        "JSON Value: 1 Type: Number is not of expected type: bool",
    ),
    "number for a string": (
        "[1]",
        tf.string,
        "JSON Value: 1 Type: Number is not of expected type: string",
    ),
    "decimal for an integer": (
        "[1.0]",
        tf.int64,
        "JSON Value: 1.0 Type: Number is not of expected type: int64",
    ),
    "too large for a byte": (
        "[256]",
        tf.uint8,
        "JSON Value: 256 Type: Number is not of expected type: uint8",
    ),
    "too large among others": (
        "[1, 255, 256, 2]",
        tf.uint8,
        "JSON Value: 256 Type: Number is not of expected type: uint8",
    ),
    "object that is no base 64": (
        '[{"b64": 1}]',
        tf.string,
        'JSON Value: {\n    "b64": 1\n} not formatted correctly for base64 data',
    ),
    "broken base 64": ('{"b64": "a%"}', tf.string, "Unable to base64 decode"),
    "base 64 of 5 characters": (
        '{"b64": "AAAAA"}',
        tf.string,
        "Unable to base64 decode",
    ),
    "base 64 padded short": (
        '{"b64": "AA="}',
        tf.string,
        "Unable to base64 decode",
    ),
    "base 64 beyond ASCII": (
        '{"b64": "éééé"}',
        tf.string,
        "Unable to base64 decode",
    ),
}


@pytest.mark.parametrize(("value", "dtype", "message"), REFUSED.values(), ids=REFUSED)
def test_what_a_type_does_not_hold_is_refused(value, dtype, message):
    error = refusal(value, dtype)
    assert (error.code, error.message) == (grpc.StatusCode.INVALID_ARGUMENT, message)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16, tf.complex64])
def test_a_type_that_json_lacks_is_unimplemented(dtype):
    error = refusal("[1]", dtype)
    assert error.code is grpc.StatusCode.UNIMPLEMENTED
    name = json_tensors.cpp_name(dtype)
    assert error.message == f"Conversion of JSON Value: 1 to type: {name}"


def test_tensors_of_any_rank_are_read_and_deeper_nesting_is_not_lost():
    value = json_documents.parse(b'{"value": ' + b"[" * 200 + b"1" + b"]" * 200 + b"}")["value"]
    leaves, shape = json_tensors.parse(value, tf.int32.as_datatype_enum)
    assert leaves.tolist() == [1]
    assert shape == (1,) * 200
