"""How much a server takes on at a time, and who waits for what."""

import collections
import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator

from data.utils.errors import UsageError
from serving.channel import MAX_MESSAGE_BYTES


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a server refuses to take on.

    Attributes:
        max_requests: requests under way at a time: arriving, waiting and computed. One more
            is refused with RESOURCE_EXHAUSTED, which is what TensorFlow Serving's gRPC
            answers beyond its `--grpc_max_threads`; UNAVAILABLE stays the word for a full
            batching queue and for a server that shuts down.
        max_message_bytes: largest request and response; gRPC answers RESOURCE_EXHAUSTED.
        receive_timeout_s: seconds that a request's message may take to arrive, or the call is
            cancelled: each holds a thread meanwhile.
        max_wait_s: seconds that a request may wait for a thread, whatever its own deadline;
            then DEADLINE_EXCEEDED. None for as long as its deadline allows.

    Raises:
        UsageError: a limit is not positive.
    """

    max_requests: int = 1024
    max_message_bytes: int = MAX_MESSAGE_BYTES
    receive_timeout_s: float = 60.0
    max_wait_s: float | None = None

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is not None and value <= 0:
                raise UsageError(f"{field.name} is {value}; it must be above 0")


class Admission:
    """Counts the requests under way and lets in only so many; safe for many threads.

    Args:
        max_requests: that may be inside at a time.
    """

    def __init__(self, max_requests: int) -> None:
        self._max_requests = max_requests
        self._inside = 0
        self._changed = threading.Condition()

    @property
    def inside(self) -> int:
        """Requests under way."""
        return self._inside

    def enter(self) -> bool:
        """Lets a request in, which must `leave`; False where there is no room."""
        with self._changed:
            if self._inside >= self._max_requests:
                return False
            self._inside += 1
            return True

    def leave(self) -> None:
        """Ends a request that was let in."""
        with self._changed:
            self._inside -= 1
            if not self._inside:
                self._changed.notify_all()

    def wait_until_empty(self, timeout_s: float) -> bool:
        """Waits until no request is under way; False where the time passed before."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._inside, timeout_s)


class Waiter:
    """One request in the queue of a `Turnstile`."""

    def __init__(self) -> None:
        self._woken = threading.Event()
        self.granted = False

    def wake(self) -> None:
        """Ends the wait."""
        self._woken.set()

    def wait(self, timeout_s: float | None) -> None:
        """Waits to be woken, or until the time has passed."""
        self._woken.wait(timeout_s)


class Turnstile:
    """Lets so many threads compute at a time, first come, first served.

    A plain semaphore cannot be given up on by another thread: here a request whose client
    hangs up leaves the queue at once, and its place in `Admission` with it.

    Args:
        slots: threads that may be inside at a time.
    """

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._lock = threading.Lock()
        self._queue: collections.deque[Waiter] = collections.deque()

    @contextlib.contextmanager
    def turn(
        self, timeout_s: float | None, on_hang_up: Callable[[Callable[[], None]], bool]
    ) -> Iterator[bool]:
        """Waits for a turn.

        Args:
            timeout_s: seconds to wait at most; None for any.
            on_hang_up: takes a function to be called, from whatever thread, when the client
                has gone; False where it has gone already. Only asked where there is a queue.

        Yields:
            Whether it is this thread's turn; False where the wait ended otherwise.
        """
        granted = self._enter(timeout_s, on_hang_up)
        try:
            yield granted
        finally:
            if granted:
                self._leave()

    def _enter(
        self, timeout_s: float | None, on_hang_up: Callable[[Callable[[], None]], bool]
    ) -> bool:
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            waiter = Waiter()
            self._queue.append(waiter)
        if on_hang_up(waiter.wake):
            waiter.wait(timeout_s)
        with self._lock:
            if not waiter.granted:
                self._queue.remove(waiter)
            return waiter.granted

    def _leave(self) -> None:
        with self._lock:
            if not self._queue:
                self._free += 1
                return
            waiter = self._queue.popleft()
            waiter.granted = True
        waiter.wake()


class ReceiveWatch:
    """Hangs up on calls whose message does not arrive in time.

    gRPC has no such limit: half a message would hold its thread for ever.

    Args:
        timeout_s: seconds that a message may take.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        # Oldest first, as dictionaries keep their order.
        self._receiving: dict[object, tuple[float, Callable[[], None]]] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receive-watch", daemon=True)

    def start(self) -> None:
        """Begins to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Ends watching."""
        self._stopping.set()
        self._thread.join()

    @contextlib.contextmanager
    def receiving(self, hang_up: Callable[[], None], now_s: float) -> Iterator[None]:
        """Watches one call while its message arrives.

        Args:
            hang_up: ends the call.
            now_s: the time by `time.perf_counter`.
        """
        key = object()
        with self._lock:
            self._receiving[key] = (now_s + self._timeout_s, hang_up)
        try:
            yield
        finally:
            with self._lock:
                self._receiving.pop(key, None)

    def hang_up_late(self, now_s: float) -> None:
        """Hangs up on every call whose time has passed by `now_s`."""
        late = []
        with self._lock:
            for key, (due, hang_up) in list(self._receiving.items()):
                if due > now_s:
                    break
                del self._receiving[key]
                late.append(hang_up)
        for hang_up in late:
            hang_up()

    def _run(self) -> None:
        while not self._stopping.wait(min(1.0, self._timeout_s / 4)):
            self.hang_up_late(time.perf_counter())
