"""A semaphore that serves threads in the order in which they came."""

import collections
import contextlib
import threading
from collections.abc import Callable, Iterator

OnHangUp = Callable[[Callable[[], None]], bool]
"""Registers a function to be called, from any thread, when the client hangs up; returns False if
the client is gone already. `grpc.ServicerContext.add_callback` is one."""


class FairSemaphore:
    """Lets a number of threads compute at a time, first come, first served.

    Unlike `threading.Semaphore`, it lets another thread end a wait: when a client hangs up, its
    request leaves the queue at once.

    Args:
        slots: threads that may hold it at a time.
    """

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._lock = threading.Lock()
        self._queue: collections.deque[_Waiter] = collections.deque()

    @contextlib.contextmanager
    def acquired(self, timeout_s: float | None, on_hang_up: OnHangUp) -> Iterator[bool]:
        """Holds a slot for as long as the context lasts.

        Args:
            timeout_s: seconds to wait at most; None for no limit.
            on_hang_up: ends the wait when the client hangs up; called only if no slot is free.

        Yields:
            Whether a slot was acquired; False if the time passed or the client hung up.
        """
        acquired = self._acquire(timeout_s, on_hang_up)
        try:
            yield acquired
        finally:
            if acquired:
                self._release()

    def _acquire(self, timeout_s: float | None, on_hang_up: OnHangUp) -> bool:
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            waiter = _Waiter()
            self._queue.append(waiter)
        if on_hang_up(waiter.woken.set):
            waiter.woken.wait(timeout_s)
        with self._lock:
            if not waiter.has_slot:
                self._queue.remove(waiter)
            return waiter.has_slot

    def _release(self) -> None:
        with self._lock:
            if not self._queue:
                self._free += 1
                return
            waiter = self._queue.popleft()
            waiter.has_slot = True
        waiter.woken.set()


class _Waiter:
    """A thread in the queue."""

    def __init__(self) -> None:
        self.woken = threading.Event()
        self.has_slot = False
