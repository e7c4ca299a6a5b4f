"""Messages as bodies of answers; cases of TensorFlow Serving's json_tensor_test.cc."""

import json

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, regression_pb2

from serving.server.errors import StatusError
from serving.server.rest_api import response_bodies
from serving.server.rest_api.request_bodies import RequestFormat


def protos(**values):
    return {name: tf.make_tensor_proto(value) for name, value in values.items()}


NAMED = protos(
    double_scalar_tensor=np.array([8.0, 9.0]),
    float_tensor=np.array([[1], [2]], np.float32),
    int_tensor=np.arange(12, dtype=np.int32).reshape(2, 3, 2),
    str_tensor=[["foo", 'b"r'], ["bäz", "bat"]],
    str_tensor_bytes=[[b"hello", b"world"], [b"tf", b"serving"]],
    truth=np.array([True, False]),
    long=np.array([2**63 - 1, -(2**63)]),
)


def test_several_outputs_are_objects_by_row():
    assert json.loads(response_bodies.from_outputs(NAMED, RequestFormat.ROW)) == {
        "predictions": [
            {
                "double_scalar_tensor": 8.0,
                "float_tensor": [1.0],
                "int_tensor": [[0, 1], [2, 3], [4, 5]],
                "str_tensor": ["foo", 'b"r'],
                "str_tensor_bytes": [{"b64": "aGVsbG8="}, {"b64": "d29ybGQ="}],
                "truth": True,
                "long": 2**63 - 1,
            },
            {
                "double_scalar_tensor": 9.0,
                "float_tensor": [2.0],
                "int_tensor": [[6, 7], [8, 9], [10, 11]],
                "str_tensor": ["bäz", "bat"],
                "str_tensor_bytes": [{"b64": "dGY="}, {"b64": "c2VydmluZw=="}],
                "truth": False,
                "long": -(2**63),
            },
        ]
    }


def test_many_rows_are_written_in_order():
    count = 100_000
    outputs = protos(a=np.arange(count), b=np.arange(count) / np.float32(7), c=[b"x"] * count)
    rows = json.loads(response_bodies.from_outputs(outputs, RequestFormat.ROW))["predictions"]
    assert [row["a"] for row in rows] == list(range(count))
    assert np.float32([row["b"] for row in rows]).tolist() == (
        (np.arange(count) / np.float32(7)).astype(np.float32).tolist()
    )
    assert rows[-1]["c"] == "x"
    column = json.loads(response_bodies.from_outputs(protos(a=np.arange(count)), RequestFormat.ROW))
    assert column == {"predictions": list(range(count))}


def test_several_outputs_are_one_object_by_column():
    assert json.loads(response_bodies.from_outputs(NAMED, RequestFormat.COLUMNAR)) == {
        "outputs": {
            "double_scalar_tensor": [8.0, 9.0],
            "float_tensor": [[1.0], [2.0]],
            "int_tensor": [[[0, 1], [2, 3], [4, 5]], [[6, 7], [8, 9], [10, 11]]],
            "str_tensor": [["foo", 'b"r'], ["bäz", "bat"]],
            "str_tensor_bytes": [
                [{"b64": "aGVsbG8="}, {"b64": "d29ybGQ="}],
                [{"b64": "dGY="}, {"b64": "c2VydmluZw=="}],
            ],
            "truth": [True, False],
            "long": [2**63 - 1, -(2**63)],
        }
    }


@pytest.mark.parametrize(
    ("value", "row", "column"),
    [
        (np.array([[1, 2], [3, 4]], np.int8), b"[[1,2],[3,4]]", b"[[1,2],[3,4]]"),
        (np.float32([np.nan, np.inf, -np.inf, 3]),) + (b"[NaN,Infinity,-Infinity,3.0]",) * 2,
        (np.array([0.1, 1 / 3, 9e6, -0.0], np.float32),)
        + (b"[0.1,0.33333334,9000000.0,-0.0]",) * 2,
        (np.array([[1 / 3, 1e300]]),) + (b"[[0.3333333333333333,1e+300]]",) * 2,
        (np.zeros([0, 2], np.float32), b"[]", b"[]"),
        (np.zeros([2, 0], np.float32), b"[[],[]]", b"[[],[]]"),
        (np.array([b"\xff"], object), b'["\xff"]', b'["\xff"]'),
    ],
)
def test_a_single_output_is_bare(value, row, column):
    outputs = protos(y=value)
    assert response_bodies.from_outputs(outputs, RequestFormat.ROW) == b'{"predictions":%b}' % row
    assert (
        response_bodies.from_outputs(outputs, RequestFormat.COLUMNAR) == b'{"outputs":%b}' % column
    )


def test_a_scalar_is_bare_by_column():
    assert response_bodies.from_outputs(protos(y=0.5), RequestFormat.COLUMNAR) == b'{"outputs":0.5}'


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (protos(y=1), "Tensor name: y has no shape information "),
        (
            protos(a=[1, 2], b=[1]),
            "Tensor name: b has inconsistent batch size: 1 expecting: 2",
        ),
        (
            protos(y=np.zeros([2], np.complex64)),
            "Failed to write JSON value for tensor type: complex64",
        ),
        (
            protos(y=np.zeros([2], np.float16)),
            "Failed to write JSON value for tensor type: half",
        ),
    ],
)
def test_what_rows_cannot_hold_is_an_error(outputs, message):
    with pytest.raises(StatusError) as caught:
        response_bodies.from_outputs(outputs, RequestFormat.ROW)
    assert caught.value.message == message


def test_classes_are_labels_with_scores():
    result = classification_pb2.ClassificationResult()
    first, second = result.classifications.add(), result.classifications.add()
    first.classes.add(label="é", score=0.2)
    first.classes.add(label="", score=1)
    second.classes.add(label="b", score=0.5)
    body = response_bodies.from_classifications(result).decode()
    assert body == '{"results":[[["é",0.2],["",1.0]],[["b",0.5]]]}'


def test_regressions_are_bare_values():
    result = regression_pb2.RegressionResult()
    result.regressions.add(value=42)
    result.regressions.add(value=0.1)
    assert response_bodies.from_regressions(result) == b'{"results":[42.0,0.1]}'


def test_no_result_is_an_error():
    with pytest.raises(StatusError, match="empty ClassificationResults"):
        response_bodies.from_classifications(classification_pb2.ClassificationResult())
    with pytest.raises(StatusError, match="empty RegressionResults"):
        response_bodies.from_regressions(regression_pb2.RegressionResult())


def test_an_error_may_quote_what_is_no_text():
    assert json.loads(response_bodies.from_error('"\ud800\n')) == {"error": '"?\n'}
