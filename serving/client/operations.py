"""The client without waiting: operations are generators that `Client` and `AsyncClient` run.

An operation yields an action: `Attempt`, `Sleep` or `NextFrame`. The client performs it, blocking
or awaiting, and resumes the operation with the result or the error.
"""

import dataclasses
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any, Generic, TypeVar

from serving.client.retries import Attempt, Sleep

ReturnT = TypeVar("ReturnT")


@dataclasses.dataclass(frozen=True)
class NextFrame:
    """Take the next of `frames`; the result is None after the last."""

    frames: Iterator[Any] | AsyncIterator[Any]


@dataclasses.dataclass(frozen=True)
class Returned(Generic[ReturnT]):
    """An operation's return value. An object, as no StopIteration leaves a thread of asyncio's."""

    value: ReturnT


Action = Attempt | Sleep | NextFrame
Operation = Generator[Action, Any, ReturnT]


def resume(
    operation: Operation[ReturnT], result: Any = None, error: Exception | None = None
) -> Action | Returned[ReturnT]:
    """Runs an operation until its next action.

    Example:
        >>> def ask_twice():
        ...     first = yield Sleep(0.1)
        ...     second = yield Sleep(0.2)
        ...     return first + second
        >>> operation = ask_twice()
        >>> resume(operation)
        Sleep(seconds=0.1)
        >>> resume(operation, "a")
        Sleep(seconds=0.2)
        >>> resume(operation, "b")
        Returned(value='ab')

    Args:
        operation: to be run.
        result: of its last action; None before the first.
        error: what its last action raised, instead of a result.

    Returns:
        The next action, or what the operation returned.
    """
    try:
        return operation.send(result) if error is None else operation.throw(error)
    except StopIteration as end:
        return Returned(end.value)
