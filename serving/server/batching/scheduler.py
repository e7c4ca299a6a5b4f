"""Which requests run together, and when: the queues behind batching."""

import collections
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import grpc

from serving.server.batching.parameters import BatchingParameters
from serving.server.errors import StatusError, invalid_argument

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")


class BatchScheduler:
    """Limits how many batches, of all its queues, run at a time.

    The policy is that of TensorFlow's `SharedBatchScheduler`, but the scheduler has no threads.
    The thread that opens a batch runs it, for itself and for the threads that joined. So a lone
    request is run by its own thread, without a hand-over, and nothing has to be stopped when a
    model is unloaded. Of the batches that are due, the one opened first runs first.

    Attributes:
        on_run: called when a batch begins, with the seconds that each of its tasks waited.

    Args:
        num_batch_threads: batches run at a time; at least 1.
        on_run: as above.
    """

    def __init__(
        self, num_batch_threads: int, on_run: Callable[[list[float]], None] = lambda _: None
    ) -> None:
        self.on_run = on_run
        self._free = num_batch_threads
        self._pending: list[_Batch] = []
        self.changed = threading.Condition()

    def add(self, batch: "_Batch") -> None:
        """Adds an opened batch; the caller holds `changed`."""
        self._pending.append(batch)

    def wait_for_turn(self, batch: "_Batch") -> None:
        """Waits until a batch may run, and takes it off its queue.

        Called by the thread that opened it, which holds `changed`.
        """
        while True:
            now = time.monotonic()
            if self._free and batch is next((b for b in self._pending if b.is_due(now)), None):
                break
            remaining = batch.due_at - now
            self.changed.wait(remaining if remaining > 0 else None)
        self._free -= 1
        self._pending.remove(batch)
        batch.enqueued.popleft()
        self.changed.notify_all()  # the next batch of the queue may be due

    def end_turn(self) -> None:
        """Ends a batch, so that the next one may run."""
        with self.changed:
            self._free += 1
            self.changed.notify_all()


class _Batch:
    """Tasks that run together.

    Attributes:
        enqueued: the waiting batches of its queue, the open one last.
        due_at: `time.monotonic()` at which it runs even if it is not full.
        joined_at: `time.monotonic()` at which each task joined.
    """

    def __init__(self, enqueued: "collections.deque[_Batch]", limit: int, due_at: float) -> None:
        self.enqueued = enqueued
        self.due_at = due_at
        self.size = 0
        self.tasks: list = []
        self.joined_at: list[float] = []
        self.results: Sequence = ()
        self.done = threading.Event()
        self._limit = limit

    def is_due(self, now: float) -> bool:
        if self.enqueued[0] is not self:
            return False
        return len(self.enqueued) > 1 or self.size >= self._limit or now >= self.due_at


class BatchQueue(Generic[TaskT, ResultT]):
    """Collects tasks of one kind into batches; safe to use from many threads.

    Args:
        scheduler: decides when a batch runs.
        parameters: size, waiting time and number of the batches.
        process: runs the tasks of a batch, in the order in which they came, and returns a
            result or an error for each.
    """

    def __init__(
        self,
        scheduler: BatchScheduler,
        parameters: BatchingParameters,
        process: Callable[[Sequence[TaskT]], Sequence[ResultT | Exception]],
    ) -> None:
        self._scheduler = scheduler
        self._process = process
        self._limit = parameters.max_batch_size
        self._max_enqueued = max(1, parameters.max_enqueued_batches)
        self._timeout_s = parameters.batch_timeout_micros / 1e6
        self._enqueued: collections.deque[_Batch] = collections.deque()

    def run(self, task: TaskT, size: int) -> ResultT:
        """Runs a task together with those of other threads.

        Args:
            task: for `process`.
            size: rows of the task.

        Returns:
            The result of `process` for it.

        Raises:
            StatusError: INVALID_ARGUMENT, the task is larger than a batch; UNAVAILABLE, too
                many batches are waiting.
            Exception: the error of `process` for it.
        """
        if size > self._limit:
            raise invalid_argument(
                f"Task size {size} is larger than maximum input batch size {self._limit}"
            )
        with self._scheduler.changed:
            batch, is_new = self._batch_for(size)
            position = len(batch.tasks)
            batch.tasks.append(task)
            batch.joined_at.append(time.monotonic())
            batch.size += size
            if is_new or batch.size >= self._limit:
                self._scheduler.changed.notify_all()  # this batch or the one before is complete
            if is_new:
                self._scheduler.wait_for_turn(batch)
        if is_new:
            self._run(batch)
        else:
            batch.done.wait()
        result = batch.results[position]
        if isinstance(result, Exception):
            raise result
        return result

    def _batch_for(self, size: int) -> tuple[_Batch, bool]:
        """The open batch, or a new one if it has no room."""
        if self._enqueued and self._enqueued[-1].size + size <= self._limit:
            return self._enqueued[-1], False
        if len(self._enqueued) >= self._max_enqueued:
            raise StatusError(
                grpc.StatusCode.UNAVAILABLE,
                "The batch scheduling queue to which this task was submitted is full; currently "
                f"{len(self._enqueued)} batches enqueued and max_enqueued_batches is "
                f"{self._max_enqueued}",
            )
        batch = _Batch(self._enqueued, self._limit, time.monotonic() + self._timeout_s)
        self._enqueued.append(batch)
        self._scheduler.add(batch)
        return batch, True

    def _run(self, batch: _Batch) -> None:
        now = time.monotonic()
        self._scheduler.on_run([now - joined_at for joined_at in batch.joined_at])
        try:
            batch.results = self._process(batch.tasks)
        except Exception as error:  # noqa: BLE001 - goes to all threads that wait
            batch.results = [error] * len(batch.tasks)
        finally:
            self._scheduler.end_turn()
            batch.done.set()
