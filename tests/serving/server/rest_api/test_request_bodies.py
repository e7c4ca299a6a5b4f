"""Bodies of Predict as messages; cases and texts of TensorFlow Serving's json_tensor_test.cc."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import predict_pb2

from serving.server.errors import StatusError
from serving.server.rest_api import request_bodies
from serving.server.rest_api.request_bodies import RequestFormat

NAN, INFINITY = np.nan, np.inf


def fill(body, **types):
    request = predict_pb2.PredictRequest()
    inputs = {
        name: meta_graph_pb2.TensorInfo(dtype=dtype.as_datatype_enum)
        for name, dtype in types.items()
    }
    request_format = request_bodies.fill_predict(body.encode(), request, lambda name: inputs)
    return request, request_format


def refusal(body, **types):
    with pytest.raises(StatusError) as caught:
        fill(body, **types)
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    return caught.value.message


THREE = {"i": tf.int32, "s": tf.string, "f": tf.float32}
READ = {
    "one input": (
        '{"instances": [[1,2],[3,4],[5,6]]}',
        {"d": tf.int32},
        {"d": [[1, 2], [3, 4], [5, 6]]},
    ),
    "floats": (
        '{"instances": [1, 2.0, 5.003, 0.007, NaN, -Infinity]}',
        {"d": tf.float32},
        {"d": [1, 2, 5.003, 0.007, NAN, -INFINITY]},
    ),
    "doubles": (
        '{"instances": [0.1, 9007199254740991]}',
        {"d": tf.float64},
        {"d": [0.1, 2**53 - 1]},
    ),
    "largest float": (
        '{"instances": [16777215, 3.4028234e38]}',
        {"d": tf.float32},
        {"d": [2**24 - 1, 3.4028234e38]},
    ),
    "long integers": (
        '{"instances": [9223372036854775807, -9223372036854775808]}',
        {"d": tf.int64},
        {"d": [2**63 - 1, -(2**63)]},
    ),
    "unsigned": ('{"instances": [18446744073709551615]}', {"d": tf.uint64}, {"d": [2**64 - 1]}),
    "bytes": ('{"instances": [255, 0]}', {"d": tf.uint8}, {"d": [255, 0]}),
    "booleans": ('{"instances": [true, false]}', {"d": tf.bool}, {"d": [True, False]}),
    "strings": ('{"instances": ["é", "\\u0000"]}', {"d": tf.string}, {"d": ["é".encode(), b"\0"]}),
    "base 64 scalars": (
        '{"instances": [{"b64": "aGVsbG8="}, {"b64": "d29ybGQ="}]}',
        {"d": tf.string},
        {"d": [b"hello", b"world"]},
    ),
    "base 64 without padding": (
        '{"instances": [{"b64": "aGV\\nsbG8"}]}',
        {"d": tf.string},
        {"d": [b"hello"]},
    ),
    "base 64 lists": (
        '{"instances": [[{"b64": "aGVsbG8="}], [{"b64": "d29ybGQ="}]]}',
        {"d": tf.string},
        {"d": [[b"hello"], [b"world"]]},
    ),
    "one named input": (
        '{"instances": [{"d": [[{"b64": "aGVsbG8="}], [{"b64": "d29ybGQ="}]]}]}',
        {"d": tf.string},
        {"d": [[[b"hello"], [b"world"]]]},
    ),
    "several inputs": (
        '{"instances": [{"i": [[1,2],[3,4]], "s": ["foo"], "f": 1},'
        ' {"f": NaN, "i": [[5,6],[7,8]], "s": ["baz"]}]}',
        THREE,
        {"i": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]], "s": [[b"foo"], [b"baz"]], "f": [1, NAN]},
    ),
    "empty rows": ('{"instances": [[], []]}', {"d": tf.float32}, {"d": [[], []]}),
    "column": ('{"inputs": [[[1,2],[3,4]]]}', {"d": tf.int32}, {"d": [[[1, 2], [3, 4]]]}),
    "named column": ('{"inputs": {"d": [1]}}', {"d": tf.int32}, {"d": [1]}),
    "scalar": ('{"inputs": 7}', {"d": tf.int32}, {"d": 7}),
    "bytes scalar": ('{"inputs": {"b64": "aGVsbG8="}}', {"d": tf.string}, {"d": b"hello"}),
    "columns": (
        '{"inputs": {"i": [[1,2]], "s": ["foo", "bar"], "f": [], "unknown": {}}}',
        THREE,
        {"i": [[1, 2]], "s": [b"foo", b"bar"], "f": []},
    ),
}


@pytest.mark.parametrize(("body", "types", "expected"), READ.values(), ids=READ)
def test_values_become_tensors_of_the_signatures_types(body, types, expected):
    request, request_format = fill(body, **types)
    assert request_format is (RequestFormat.ROW if "instances" in body else RequestFormat.COLUMNAR)
    assert set(request.inputs) == set(expected)
    for name, values in expected.items():
        proto = request.inputs[name]
        assert proto.dtype == types[name].as_datatype_enum
        sent = tf.make_ndarray(proto)
        assert sent.shape == np.shape(values)
        np.testing.assert_array_equal(sent, np.array(values, types[name].as_numpy_dtype))


def test_signature_is_named_or_the_default():
    request, _ = fill('{"signature_name": "predict_images", "instances": [1]}', d=tf.int32)
    assert request.model_spec.signature_name == "predict_images"
    assert fill('{"instances": [1]}', d=tf.int32)[0].model_spec.signature_name == ""


INSTANCES = "Failed to process element: {} of 'instances' list. Error: INVALID_ARGUMENT: {}"
REFUSED = {
    "no key": ("{}", {"d": tf.int32}, "Missing 'inputs' or 'instances' key"),
    "signature of no name": (
        '{"signature_name": 5}',
        {"d": tf.int32},
        'JSON Value: {\n    "signature_name": 5\n} not formatted correctly. '
        "'signature_name' key must be a string value.",
    ),
    "signature without inputs": ("{}", {}, "Failed to get input map for signature: DEFAULT"),
    "both keys": (
        '{"instances": [1], "inputs": 1}',
        {"d": tf.int32},
        'JSON Value: {\n    "instances": [\n        1\n    ],\n    "inputs": 1\n} Not formatted '
        "correctly expecting only one of 'inputs' or 'instances' keys to exist ",
    ),
    "instances of no list": (
        '{"instances": 1}',
        {"d": tf.int32},
        "JSON Value: {\n    \"instances\": 1\n} Excepting 'instances' to be an list/array",
    ),
    "no instances": (
        '{"instances": []}',
        {"d": tf.int32},
        "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array",
    ),
    "plain list for two inputs": (
        '{"instances": [1]}',
        {"a": tf.int32, "b": tf.int32},
        "instances is a plain list, but expecting list of objects as multiple input tensors "
        "required as per tensorinfo_map",
    ),
    "plain column for two inputs": (
        '{"inputs": [1]}',
        {"a": tf.int32, "b": tf.int32},
        "inputs is a plain value/list, but expecting an object as multiple input tensors "
        "required as per tensorinfo_map",
    ),
    "missing column": (
        '{"inputs": {"a": 1}}',
        {"a": tf.int32, "b": tf.int32},
        "Missing named input: b in 'inputs' object.",
    ),
    "unknown input": (
        '{"instances": [{"x": 1}]}',
        {"d": tf.int32},
        "Failed to process element: 0 key: x of 'instances' list. Error: INVALID_ARGUMENT: "
        "JSON object: does not have named input: x",
    ),
    "missing input": (
        '{"instances": [{"a": 1}]}',
        {"a": tf.int32, "b": tf.int32},
        "Failed to process element: 0 of 'instances' list. JSON object: "
        '{\n    "a": 1\n} keys must be equal to: a,b',
    ),
    "longer row": (
        '{"instances": [[1,2],[3,4],[5,6,7]]}',
        {"d": tf.int32},
        INSTANCES.format(2, "Expecting tensor size: 2 but got: 3"),
    ),
    "deeper row": (
        '{"instances": [[1,2],[3,4],[[5,6]]]}',
        {"d": tf.int32},
        INSTANCES.format(2, "Expecting shape [2] but got: [1,2]"),
    ),
    "row against scalar": (
        '{"instances": [1, [1]]}',
        {"d": tf.int32},
        INSTANCES.format(1, "Expecting shape [] but got: [1]"),
    ),
    "ragged within a row": (
        '{"instances": [[[1], [1, 2]]]}',
        {"d": tf.int32},
        INSTANCES.format(0, "Encountered list at unexpected size: 2 at level: 1 expected size: 1"),
    ),
    "list among leaves": (
        '{"inputs": [1, [2]]}',
        {"d": tf.int32},
        "Encountered list at unexpected level: 1 expected < 1",
    ),
    "leaf among lists": (
        '{"inputs": [[1], 2]}',
        {"d": tf.int32},
        "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
    ),
    "list after objects": (
        '{"instances": [{"d": 1}, [1]]}',
        {"d": tf.int32},
        "Expecting object but got list at item 1 of input list",
    ),
    "object after lists": (
        '{"instances": [["baz"], {"d": ["baz"]}]}',
        {"d": tf.string},
        "Expecting value/list but got object at item 1 of input list",
    ),
}


@pytest.mark.parametrize(("body", "types", "message"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_the_signature_is_refused(body, types, message):
    assert refusal(body, **types) == message
