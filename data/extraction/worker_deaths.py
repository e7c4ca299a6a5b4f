"""Ends a job when a worker process of Beam's direct runner dies: Beam itself would wait on."""

import contextlib
import signal
import threading
from collections.abc import Iterator

from data.utils.errors import OutputError

_SIGNAL = signal.SIGUSR1


@contextlib.contextmanager
def end_with_workers() -> Iterator[None]:
    """Raises in the main thread as soon as one of Beam's worker processes has ended by itself.

    Beam waits for each worker in a thread of its own, and that thread alone learns of the end.
    Elsewhere than in the main thread this does nothing, since only that one can be interrupted.

    Raises:
        OutputError: a worker has died.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    deaths: list[str] = []

    def note(problem: threading.ExceptHookArgs) -> None:
        if "Worker subprocess exited" not in str(problem.exc_value):
            hook(problem)
            return
        deaths.append(str(problem.exc_value))
        signal.pthread_kill(threading.main_thread().ident or 0, _SIGNAL)

    def end(number: int, frame: object) -> None:
        raise OutputError(
            f"a worker process died, its own words stand above ({deaths[0]}): with less memory or "
            "behind a proxy fewer workers may do; what is finished is kept, so start again"
        )

    hook, threading.excepthook = threading.excepthook, note
    handler = signal.signal(_SIGNAL, end)
    try:
        yield
    finally:
        threading.excepthook = hook
        signal.signal(_SIGNAL, handler)
