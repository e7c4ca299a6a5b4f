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
    "numbers between floats": (
        '{"instances": [3.4028234e38, 16777217, 1700000000000, 1e39, -1e39]}',
        {"d": tf.float32},
        {"d": [3.4028234e38, 16777216, 1700000038912, INFINITY, -INFINITY]},
    ),
    "integers between doubles": (
        '{"inputs": [9007199254740993, 18446744073709551616]}',
        {"d": tf.float64},
        {"d": [2.0**53, 2.0**64]},
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
        "JSON Value: {\n    \"instances\": 1\n} Expecting 'instances' to be an list/array",
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


ROWS = 40_000
LONG = {
    "scalars": ("instances", "1.5", tf.float32),
    "rows": ("instances", "[1, 2]", tf.int32),
    "rows over several lines": ("instances", "[\n  1,\n  2\n ]", tf.uint8),
    "rows of rows": ("inputs", "[[1], [2]]", tf.int64),
    "named rows": ("instances", '{"d": [1.0, 2]}', tf.float64),
    "named rows with the key twice": ("instances", '{"d": 3, "d": 4}', tf.int32),
    "strings with commas": ("instances", '"a\\",\\"b: ]"', tf.string),
    "bytes": ("inputs", '{"b64": "YSw="}', tf.string),
    "truths": ("instances", "[[true, false]]", tf.bool),
    "not finite": ("instances", "NaN", tf.float32),
}


@pytest.mark.parametrize(("key", "row", "dtype"), LONG.values(), ids=LONG)
def test_a_long_list_is_read_as_a_short_one(key, row, dtype):
    texts = [row] * ROWS
    texts[7] = row.replace("1", "9")  # its place shows
    short, _ = fill(f'{{"{key}": [{", ".join(texts[:8])}]}}', d=dtype)
    expected = tf.make_ndarray(short.inputs["d"])
    expected = np.concatenate([expected, np.repeat(expected[:1], ROWS - 8, axis=0)])
    for opening, closing in [("", ""), ("[", "]")] if key == "inputs" else [("", "")]:
        listed = f"{opening}[{', '.join(texts)}]{closing}"
        body = f'{{"signature_name": "s", "{key}": {listed}, "unknown": {{}}}}'
        request, _ = fill(body, d=dtype)
        assert request.model_spec.signature_name == "s"
        sent = tf.make_ndarray(request.inputs["d"])
        np.testing.assert_array_equal(sent, expected[np.newaxis] if opening else expected)


LONG_REFUSED = {
    "a trailing comma": ("1, " * ROWS * 4, "JSON Parse error: Invalid value. at offset: 480015"),
    "no comma": (
        "1, " * ROWS * 4 + "1 1",
        "JSON Parse error: Missing a comma, } or ] after an object member or array element. "
        "at offset: 480017",
    ),
    "another type": (
        "1, " * ROWS * 4 + '"a"',
        INSTANCES.format(ROWS * 4, 'JSON Value: "a" Type: String is not of expected type: int32'),
    ),
    "another shape": (
        "[1], " * ROWS * 4 + "[1, 2]",
        INSTANCES.format(ROWS * 4, "Expecting tensor size: 1 but got: 2"),
    ),
    "another shape from a cut on": (
        "[1]," * (2**16 + 1) + "[1, 2]," * 2**16 + "[1, 2]",
        INSTANCES.format(2**16 + 1, "Expecting tensor size: 1 but got: 2"),
    ),
    "an object among lists": (
        "1, " * ROWS * 4 + '{"d": 1}',
        f"Expecting value/list but got object at item {ROWS * 4} of input list",
    ),
}


@pytest.mark.parametrize(("elements", "message"), LONG_REFUSED.values(), ids=LONG_REFUSED)
def test_what_is_wrong_in_a_long_list_is_found(elements, message):
    assert refusal(f'{{"instances": [{elements}]}}', d=tf.int32) == message


@pytest.mark.parametrize(
    "document", ['{"signature_name": 5, "instances": [%s]}', '{"inputs": 1, "instances": [%s]}']
)
def test_the_error_of_a_document_with_a_long_list_quotes_it(document):
    message = refusal(document % ", ".join(["1"] * 100_000), d=tf.int32)
    assert message.startswith("JSON Value: {\n")


def test_a_long_body_is_emptied_once_it_is_read():
    body = bytearray(b'{"inputs": [' + b"1, " * 100_000 + b"1]}")
    inputs = {"d": meta_graph_pb2.TensorInfo(dtype=tf.int32.as_datatype_enum)}
    request = predict_pb2.PredictRequest()
    request_bodies.fill_predict(body, request, lambda name: inputs)
    assert not body
    assert request.inputs["d"].tensor_shape.dim[0].size == 100_001


@pytest.mark.parametrize(("body", "types", "message"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_the_signature_is_refused(body, types, message):
    assert refusal(body, **types) == message
