"""Batches as they form; `process` blocks until it is let go, so that no test depends on time."""

import concurrent.futures
import threading

import grpc
import pytest

from serving.server.batching.parameters import BatchingParameters
from serving.server.batching.scheduler import BatchQueue, BatchScheduler
from serving.server.errors import StatusError

NEVER_MICROS = 3_600_000_000


class Recorder:
    """Notes the batches that run; the first waits for `go`. A task's result is its negative."""

    def __init__(self):
        self.batches = []
        self.running = threading.Event()
        self.go = threading.Event()

    def process(self, tasks):
        self.batches.append(list(tasks))
        self.running.set()
        assert self.go.wait(60)
        return [ValueError(task) if task == 13 else -task for task in tasks]


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def pool():
    with concurrent.futures.ThreadPoolExecutor(16) as executor:
        yield executor


@pytest.fixture
def submit(pool, recorder, wait_until):
    """Sends a task from a thread of its own; returns when it waits or runs."""

    def send(queue, task, size=1):
        future = pool.submit(queue.run, task, size)

        def has_arrived():
            waiting = [batch.tasks for batch in list(queue._enqueued)]
            return any(task in tasks for tasks in waiting + recorder.batches)

        wait_until(has_arrived)
        return future

    return send


def start(pool, queue, recorder, task=0):
    """Occupies the one slot."""
    future = pool.submit(queue.run, task, 1)
    assert recorder.running.wait(60)
    return future


def make_queue(recorder, scheduler=None, **parameters):
    parameters = BatchingParameters(**{"num_batch_threads": 1, **parameters})
    scheduler = scheduler or BatchScheduler(parameters.num_batch_threads)
    return BatchQueue(scheduler, parameters, recorder.process)


def test_tasks_that_come_while_one_runs_run_together_in_order(recorder, pool, submit):
    queue = make_queue(recorder)
    futures = [start(pool, queue, recorder), *(submit(queue, task) for task in (1, 2, 3))]
    recorder.go.set()
    assert [future.result() for future in futures] == [0, -1, -2, -3]
    assert recorder.batches == [[0], [1, 2, 3]]


def test_a_task_that_does_not_fit_opens_the_next_batch(recorder, pool, submit):
    queue = make_queue(recorder, max_batch_size=4)
    futures = [
        start(pool, queue, recorder),
        *(submit(queue, task, size) for task, size in [(1, 3), (2, 2), (3, 2), (4, 1)]),
    ]
    recorder.go.set()
    assert [future.result() for future in futures] == [0, -1, -2, -3, -4]
    assert recorder.batches == [[0], [1], [2, 3], [4]]


def test_a_full_batch_does_not_wait_for_its_timeout(recorder, submit):
    recorder.go.set()
    queue = make_queue(recorder, max_batch_size=2, batch_timeout_micros=NEVER_MICROS)
    first = submit(queue, 1)
    assert not recorder.batches
    assert submit(queue, 2).result(60) == -2
    assert first.result(60) == -1
    assert recorder.batches == [[1, 2]]


def test_a_batch_that_is_followed_does_not_wait_for_its_timeout(recorder, submit):
    recorder.go.set()
    queue = make_queue(recorder, max_batch_size=3, batch_timeout_micros=NEVER_MICROS)
    first = submit(queue, 1, 2)
    second = submit(queue, 2, 2)
    assert first.result(60) == -1
    submit(queue, 3, 1)
    assert second.result(60) == -2


def test_a_batch_that_is_not_full_runs_after_its_timeout(recorder, submit):
    recorder.go.set()
    queue = make_queue(recorder, batch_timeout_micros=1000)
    assert submit(queue, 1).result(60) == -1


def test_a_full_queue_turns_away_in_tensorflows_words(recorder, pool, submit):
    queue = make_queue(recorder, max_batch_size=2, max_enqueued_batches=2)
    accepted = [start(pool, queue, recorder), *(submit(queue, task) for task in (1, 2, 3, 4))]
    with pytest.raises(StatusError) as caught:
        queue.run(5, 1)
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    assert caught.value.message == (
        "The batch scheduling queue to which this task was submitted is full; "
        "currently 2 batches enqueued and max_enqueued_batches is 2"
    )
    recorder.go.set()
    assert [future.result() for future in accepted] == [0, -1, -2, -3, -4]
    assert queue.run(6, 1) == -6


def test_a_full_queue_leaves_others_alone(recorder, pool, submit):
    scheduler = BatchScheduler(1)
    small = {"max_batch_size": 1, "max_enqueued_batches": 1}
    full, other = (make_queue(recorder, scheduler, **small) for _ in range(2))
    futures = [start(pool, full, recorder), submit(full, 1)]
    with pytest.raises(StatusError):
        full.run(2, 1)
    futures.append(submit(other, 3))
    recorder.go.set()
    assert [future.result() for future in futures] == [0, -1, -3]
    assert recorder.batches == [[0], [1], [3]]


def test_a_task_larger_than_a_batch_is_refused(recorder):
    with pytest.raises(StatusError) as caught:
        make_queue(recorder, max_batch_size=4).run(1, 5)
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.message == "Task size 5 is larger than maximum input batch size 4"


def test_as_many_batches_run_at_a_time_as_are_allowed(pool, wait_until):
    both = threading.Barrier(2)

    def process(tasks):
        both.wait(60)
        return tasks

    queue = BatchQueue(BatchScheduler(2), BatchingParameters(max_batch_size=1), process)
    assert sorted(pool.map(lambda task: queue.run(task, 1), range(4))) == [0, 1, 2, 3]


def test_an_error_is_its_own_tasks_alone(recorder, pool, submit):
    queue = make_queue(recorder)
    futures = [start(pool, queue, recorder), *(submit(queue, task) for task in (1, 13, 2))]
    recorder.go.set()
    assert futures[1].result() == -1
    assert futures[3].result() == -2
    with pytest.raises(ValueError, match="13"):
        futures[2].result()


def test_a_batch_that_breaks_is_answered_and_the_next_one_runs():
    def process(tasks):
        if tasks == ["broken"]:
            raise RuntimeError("broken")
        return tasks

    queue = BatchQueue(BatchScheduler(1), BatchingParameters(), process)
    with pytest.raises(RuntimeError, match="broken"):
        queue.run("broken", 1)
    assert queue.run("whole", 1) == "whole"
