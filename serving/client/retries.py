"""When a call is made again; nothing here waits."""

import dataclasses
import random
import time
from collections.abc import Generator
from typing import Any

from serving.client.calls import Answer, Call
from serving.client.errors import CallError

FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 2.0


@dataclasses.dataclass(frozen=True)
class Attempt:
    """Asks the driver to make a call once: to send its `Answer`, or to throw its `CallError`."""

    call: Call
    timeout_s: float


@dataclasses.dataclass(frozen=True)
class Sleep:
    """Asks the driver to wait."""

    seconds: float


def attempts(call: Call, timeout_s: float) -> Generator[Attempt | Sleep, Any, Answer]:
    """Makes a call, again while its failure is transient and there is time.

    Every call that the client makes asks without changing anything, so that it does no harm to
    make it twice. The delays double, and differ at random, so that clients do not come back in
    step ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).

    Args:
        call: to be made.
        timeout_s: for all attempts together.

    Yields:
        What the driver is to do.

    Raises:
        CallError: that of the last attempt.
    """
    deadline = time.monotonic() + timeout_s
    delay = FIRST_DELAY_S
    while True:
        try:
            return (yield Attempt(call, max(0.0, deadline - time.monotonic())))
        except CallError as error:
            pause = delay * random.uniform(0.5, 1.0)
            if not error.transient or time.monotonic() + pause >= deadline:
                raise
        yield Sleep(pause)
        delay = min(2 * delay, LONGEST_DELAY_S)
