"""When a call is repeated; nothing here waits."""

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
    """Make a call once; the result is its `Answer`, or it raises `CallError`."""

    call: Call
    timeout_s: float


@dataclasses.dataclass(frozen=True)
class Sleep:
    """Wait."""

    seconds: float


def attempts(call: Call, timeout_s: float) -> Generator[Attempt | Sleep, Any, Answer]:
    """Makes a call, and repeats it while its failure is transient and there is time.

    All calls of the client only read, so repeating one does no harm. Delays double, from
    `FIRST_DELAY_S` to `LONGEST_DELAY_S`, and are shortened at random by up to half, so that
    clients do not return all at once ("Exponential Backoff And Jitter", AWS Architecture Blog,
    2015).

    Example:
        >>> import grpc
        >>> from serving.client.calls import SignaturesCall
        >>> call = attempts(SignaturesCall(), timeout_s=60.0)
        >>> type(next(call))
        <class 'serving.client.retries.Attempt'>
        >>> full = CallError(grpc.StatusCode.UNAVAILABLE, "restarting", transient=True)
        >>> 0.05 <= call.throw(full).seconds <= 0.1
        True

    Args:
        call: to be made.
        timeout_s: for all attempts together.

    Yields:
        The actions that the client performs.

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
