"""Ends calls whose message does not arrive in time."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator


class ReceiveWatchdog:
    """Cancels calls whose message does not arrive in time; safe to use from many threads.

    gRPC has no such limit: a call with half a message would hold its thread for ever.

    Args:
        timeout_s: seconds in which a message must arrive.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        # Oldest first, as dictionaries keep their order.
        self._receiving: dict[object, tuple[float, Callable[[], None]]] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receive-watchdog", daemon=True)

    def start(self) -> None:
        """Begins to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Ends watching."""
        self._stopping.set()
        self._thread.join()

    @contextlib.contextmanager
    def receiving(self, cancel: Callable[[], None], now_s: float) -> Iterator[None]:
        """Watches one call while its message arrives.

        Args:
            cancel: ends the call.
            now_s: the time by `time.perf_counter`.
        """
        key = object()
        with self._lock:
            self._receiving[key] = (now_s + self._timeout_s, cancel)
        try:
            yield
        finally:
            with self._lock:
                self._receiving.pop(key, None)

    def cancel_late(self, now_s: float) -> None:
        """Cancels every call whose time is over at `now_s`."""
        late = []
        with self._lock:
            for key, (due_s, cancel) in list(self._receiving.items()):
                if due_s > now_s:
                    break
                del self._receiving[key]
                late.append(cancel)
        for cancel in late:
            cancel()

    def _run(self) -> None:
        while not self._stopping.wait(min(1.0, self._timeout_s / 4)):
            self.cancel_late(time.perf_counter())
