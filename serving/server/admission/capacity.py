"""How many requests a server works on at a time."""

import threading


class Capacity:
    """Counts the requests under way, up to a limit; safe to use from many threads.

    Example:
        >>> capacity = Capacity(1)
        >>> capacity.acquire(), capacity.acquire()
        (True, False)
        >>> capacity.release()
        >>> capacity.in_use
        0

    Args:
        max_requests: requests that may be under way at a time.
    """

    def __init__(self, max_requests: int) -> None:
        self._max_requests = max_requests
        self._in_use = 0
        self._changed = threading.Condition()

    @property
    def in_use(self) -> int:
        """Number of requests under way."""
        return self._in_use

    def acquire(self) -> bool:
        """Takes the place of one request, which must `release` it; False if all are taken."""
        with self._changed:
            if self._in_use >= self._max_requests:
                return False
            self._in_use += 1
            return True

    def release(self) -> None:
        """Gives back the place of one request."""
        with self._changed:
            self._in_use -= 1
            if not self._in_use:
                self._changed.notify_all()

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Waits until no request is under way; False if `timeout_s` seconds pass before."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._in_use, timeout_s)
