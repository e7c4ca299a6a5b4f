"""A servable whose requests are merged; which requests are merged is chosen, not raced for."""

import concurrent.futures
import shutil
import threading

import pytest
import tensorflow as tf

from serving.server.batching import BatchingParameters, ServerBatching
from serving.server.batching.server_batching import MODEL_PARAMETERS
from serving.server.errors import StatusError
from serving.server.servables import servable as servables
from serving.server.servables.servable import Servable
from tests.serving.server.rows_model import request_of, tensors_of


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
    assert rows_seen(Servable(rows_model, ServerBatching(BATCHES_OF_THREE))) == [[3]] * 3
    assert rows_seen(Servable(rows_model)) == [[1]] * 3


def test_a_models_own_parameters_replace_the_servers(rows_model, tmp_path):
    folder = tmp_path / "1"
    shutil.copytree(rows_model, folder)
    per_model = ServerBatching(BatchingParameters(max_batch_size=1), per_model=True)
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
    for batching in (None, ServerBatching(BatchingParameters())):
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
    servable = Servable(rows_model, ServerBatching(BatchingParameters(max_batch_size=8)))
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
