"""Merged requests, on a real SavedModel; which requests are merged is chosen, not raced for."""

import concurrent.futures
import shutil
import threading

import grpc
import numpy as np
import pytest
import tensorflow as tf

from serving.server.batching.batched_function import BatchedFunction
from serving.server.batching.batching import MODEL_PARAMETERS, Batching
from serving.server.batching.parameters import BatchingParameters
from serving.server.errors import StatusError
from serving.server.servables import Servable
from serving.server.servables import servable as servables
from serving.server.servables.signature_function import SignatureFunction


class Rows(tf.Module):
    """Answers how many rows it was called with, and fails where a row is negative."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.float32, name="a"),
            tf.TensorSpec([None], tf.string, name="b"),
        ]
    )
    def serve(self, a, b):
        positive = tf.debugging.assert_non_negative(a, "a row is negative")
        with tf.control_dependencies([positive]):
            rows = tf.fill([tf.shape(a)[0]], tf.shape(a)[0])
        return {"rows": rows, "total": tf.reduce_sum(a, 1), "b": b + b"\0", "count": tf.size(a)}


@pytest.fixture(scope="module")
def rows_model(tmp_path_factory):
    module, folder = Rows(), tmp_path_factory.mktemp("rows")
    tf.saved_model.save(module, str(folder), signatures=module.serve)
    return folder


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
        batching = Batching(BatchingParameters(**parameters))
        batched = BatchedFunction(function, batching.parameters, batching.scheduler)
        answers = batched._process([(a, b) for a, b in requests])
        return [
            answer
            if isinstance(answer, Exception)
            else {name: v.tolist() for name, v in zip(outputs, answer, strict=True)}
            for answer in answers
        ]

    return run


def request_of(*values, width=1, name=b"b"):
    a = np.repeat(np.array(values, np.float32)[:, np.newaxis], width, axis=1)
    return a, np.array([name] * len(values), object)


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
    batching = Batching(BatchingParameters(max_batch_size=4))
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


def tensors_of(a, b):
    return {"a": tf.make_tensor_proto(a), "b": tf.make_tensor_proto(b)}


def rows_seen(servable):
    """Rows of the call that answered one request; all wait until three are there."""
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        futures = [
            pool.submit(servable.predict, "", tensors_of(*request_of(1.0)), ["rows"])
            for _ in range(3)
        ]
        return [list(future.result()["rows"].int_val) for future in futures]


BATCHES_OF_THREE = BatchingParameters(max_batch_size=3, batch_timeout_micros=3_600_000_000)


def test_a_servable_merges_requests_for_the_same_outputs(rows_model):
    assert rows_seen(Servable(rows_model, Batching(BATCHES_OF_THREE))) == [[3]] * 3
    assert rows_seen(Servable(rows_model)) == [[1]] * 3


def test_a_models_own_parameters_replace_the_servers(rows_model, tmp_path):
    folder = tmp_path / "1"
    shutil.copytree(rows_model, folder)
    per_model = Batching(BatchingParameters(max_batch_size=1), per_model=True)
    assert rows_seen(Servable(folder, per_model)) == [[1]] * 3  # it has none: not batched
    (folder / MODEL_PARAMETERS).write_text(
        "max_batch_size { value: 3 } batch_timeout_micros { value: 3600000000 }"
    )
    assert rows_seen(Servable(folder, per_model)) == [[3]] * 3
    (folder / MODEL_PARAMETERS).write_text("max_batch_size { value: 3 } allowed_batch_sizes: 2")
    with pytest.raises(StatusError, match="Last entry in allowed_batch_sizes must match"):
        Servable(folder, per_model)


def test_many_different_filters_do_not_fill_the_memory(rows_model, monkeypatch):
    monkeypatch.setattr(servables, "_MAX_FUNCTIONS", 2)
    servable = Servable(rows_model)
    for outputs in (["rows"], ["total"], ["b"], ["rows", "b"], ["total", "b"], []):
        answer = servable.predict("", tensors_of(*request_of(2)), outputs)
        assert set(answer) == set(outputs or ["rows", "total", "b", "count"])
    assert len(servable._functions) == 3


def test_checked_tensors_are_run_in_batches_too(rows_model):
    a, b = request_of(2, 3)
    for batching in (None, Batching(BatchingParameters())):
        servable = Servable(rows_model, batching)
        if batching:  # whose outputs must have rows
            del servable.signatures["serving_default"].outputs["count"]
        outputs = servable.run("serving_default", {"b": b, "a": a})
        assert outputs["total"].numpy().tolist() == [2, 3]
        assert outputs["b"].dtype == tf.string
        with pytest.raises(StatusError, match="a row is negative"):
            servable.run("serving_default", {"a": -a, "b": b})


def test_the_message_is_that_of_the_failing_operation(rows_model):
    with pytest.raises(StatusError) as caught:
        Servable(rows_model).predict("", tensors_of(*request_of(-1)))
    assert caught.value.message.startswith("assertion failed: [a row is negative")
    assert "__wrapped__" not in caught.value.message
    assert "[Op:" not in caught.value.message


def test_merged_requests_under_way_from_many_threads_keep_their_answers(rows_model):
    servable = Servable(rows_model, Batching(BatchingParameters(max_batch_size=8)))
    start = threading.Barrier(12)

    def ask(number):
        start.wait(60)
        for step in range(20):
            value = float(100 * number + step)
            if step % 7 == 3:
                with pytest.raises(StatusError, match="a row is negative"):
                    servable.predict("", tensors_of(*request_of(value, -1)), ["total"])
            answer = servable.predict("", tensors_of(*request_of(value, 0)), ["total"])
            assert list(answer["total"].float_val) == [value, 0]

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        for future in [pool.submit(ask, number) for number in range(12)]:
            future.result()
