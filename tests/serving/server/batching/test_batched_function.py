"""Merged requests, on a real SavedModel; which requests are merged is chosen, not raced for."""

import grpc
import numpy as np
import pytest
import tensorflow as tf

from serving.server.batching.batched_function import BatchedFunction
from serving.server.batching.parameters import BatchingParameters
from serving.server.batching.server_batching import ServerBatching
from serving.server.errors import StatusError
from serving.server.servables.signature_function import SignatureFunction
from tests.serving.server.rows_model import request_of


@pytest.fixture(scope="module")
def rows_signature(rows_model):
    """The session that the SavedModel was loaded into, and its signature."""
    session = tf.compat.v1.Session(graph=tf.Graph())
    graph = tf.compat.v1.saved_model.load(session, ["serve"], str(rows_model))
    yield session, graph.signature_def["serving_default"]
    session.close()


OUTPUTS = ("rows", "total", "b")


@pytest.fixture
def merge(rows_signature):
    """Runs requests as one batch; an answer is a dictionary of lists, or the error."""

    def run(requests, outputs=OUTPUTS, **parameters):
        function = SignatureFunction(*rows_signature, ["a", "b"], outputs)
        batching = ServerBatching(BatchingParameters(**parameters))
        batched = BatchedFunction(function, batching.parameters, batching.scheduler)
        answers = batched._process([(a, b) for a, b in requests])
        return [
            answer
            if isinstance(answer, Exception)
            else {name: v.tolist() for name, v in zip(outputs, answer, strict=True)}
            for answer in answers
        ]

    return run


def test_answers_go_to_their_requests(merge):
    first, second, third = merge(
        [request_of(1, name=b"x"), request_of(2, 3, name=b"y"), request_of(4, name=b"z\0")]
    )
    assert first == {"rows": [4], "total": [1], "b": [b"x\0"]}
    assert second == {"rows": [4, 4], "total": [2, 3], "b": [b"y\0", b"y\0"]}
    assert third == {"rows": [4], "total": [4], "b": [b"z\0\0"]}


def test_a_request_that_fails_fails_alone(merge):
    first, bad, last = merge([request_of(1), request_of(2, -3), request_of(4, 5)])
    assert first == {"rows": [1], "total": [1], "b": [b"b\0"]}
    assert isinstance(bad, tf.errors.InvalidArgumentError)
    assert "a row is negative" in bad.message
    assert last == {"rows": [2, 2], "total": [4, 5], "b": [b"b\0", b"b\0"]}


def test_a_batch_is_filled_up_to_an_allowed_size(merge):
    sizes = {"max_batch_size": 8, "allowed_batch_sizes": (4, 8)}
    answers = merge([request_of(1), request_of(2, 3)], **sizes)
    assert [answer["rows"] for answer in answers] == [[4], [4, 4]]
    assert [answer["total"] for answer in answers] == [[1], [2, 3]]
    (alone,) = merge([request_of(7)], **sizes)
    assert alone == {"rows": [4], "total": [7], "b": [b"b\0"]}


def test_requests_without_rows_are_answered_without_rows(merge):
    nothing = {"rows": [], "total": [], "b": []}
    sizes = {"max_batch_size": 4, "allowed_batch_sizes": (4,)}
    assert merge([request_of()], **sizes) == [nothing]
    first, second = merge([request_of(1), request_of()], **sizes)
    assert first["total"] == [1]
    assert second == nothing


def test_other_shapes_run_apart_unless_they_are_padded(merge):
    requests = [request_of(1), request_of(2, width=3), request_of(3), request_of(4, width=3)]
    apart = merge(requests, max_batch_size=8)
    assert [answer["rows"] for answer in apart] == [[2]] * 4
    assert [answer["total"] for answer in apart] == [[1], [6], [3], [12]]
    padded = merge(requests, max_batch_size=8, pad_variable_length_inputs=True)
    assert [answer["rows"] for answer in padded] == [[4]] * 4
    # Padding is the tensor's own first element, as in TensorFlow Serving.
    assert [answer["total"] for answer in padded] == [[3], [6], [9], [12]]


def test_an_empty_request_is_not_padded_but_answered(merge):
    empty = (np.zeros([1, 0], np.float32), np.array([b"e"], object))
    first, second = merge([request_of(5, width=2), empty], pad_variable_length_inputs=True)
    assert (first["total"], second["total"]) == ([10], [0])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ([], "Batching Run() must have at least one input tensor"),
        (
            [np.float32(1), np.array([b"b"], object)],
            "Batching Run() input tensors must have at least one dimension",
        ),
        (
            [np.ones([2, 1], np.float32), np.array([b"b"], object)],
            "Batching Run() input tensors must have equal 0th-dimension size",
        ),
        (
            [np.ones([5, 1], np.float32), np.array([b"b"] * 5, object)],
            "Task size 5 is larger than maximum input batch size 4",
        ),
    ],
)
def test_what_cannot_be_batched_is_refused(rows_signature, arrays, message):
    function = SignatureFunction(*rows_signature, ["a", "b"], OUTPUTS)
    batching = ServerBatching(BatchingParameters(max_batch_size=4))
    batched = BatchedFunction(function, batching.parameters, batching.scheduler)
    with pytest.raises(StatusError) as caught:
        batched(arrays)
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.message == message


def test_an_output_that_cannot_be_taken_apart_is_an_error(merge):
    for answer in merge([request_of(1), request_of(2)], outputs=["count"]):
        assert isinstance(answer, StatusError)
        assert answer.code is grpc.StatusCode.FAILED_PRECONDITION
        assert answer.message == "Batched output tensor has 0 dimensions"
