"""What happens around each unary call: receive, wait for a slot, answer, notify observers."""

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import grpc

from serving.server.admission import Capacity, FairSemaphore, ReceiveWatchdog
from serving.server.errors import StatusError, invalid_argument
from serving.server.monitoring import Observer, Outcome, notify, request_id

logger = logging.getLogger(__name__)

_MAX_MESSAGE = 1024
"""Characters of an error that reach the client, as in TensorFlow Serving
(`grpc_status_util.cc`): a longer one would not fit the call's trailing metadata."""


@dataclasses.dataclass(frozen=True)
class CallContext:
    """What all calls of a server share.

    Attributes:
        capacity: the requests under way; a call gives its place back when it ends.
        semaphore: a call must acquire it to compute.
        watchdog: cancels calls whose message does not arrive.
        max_wait_s: seconds that a request may wait for the semaphore; None for no limit.
        observers: called with the outcome of every call.
    """

    capacity: Capacity
    semaphore: FairSemaphore
    watchdog: ReceiveWatchdog
    max_wait_s: float | None
    observers: Sequence[Observer]


class UnaryCall:
    """Answers the calls of one method: a handler for `grpc.stream_unary_rpc_method_handler`.

    On the wire a unary call and a stream of one message are the same. As a stream, the handler
    is called before the message has arrived. So it can give up waiting for the rest of an
    incomplete message, and parse on the request's own thread instead of gRPC's only one.

    Args:
        name: of the method.
        method: answers a request message; raises `StatusError`.
        parse: makes the request message from its bytes.
        shared: what all calls share.
    """

    def __init__(
        self,
        name: str,
        method: Callable[[Any], Any],
        parse: Callable[[bytes], Any],
        shared: CallContext,
    ) -> None:
        self._name = name
        self._method = method
        self._parse = parse
        self._shared = shared

    def __call__(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> Any:
        """Answers one call, which was admitted."""
        started = time.perf_counter()
        identity = identify(context)
        code, message, size = grpc.StatusCode.OK, "", 0
        request = response = None
        try:
            payload = receive(messages, context, self._shared.watchdog)
            size = len(payload)
            request = self._parsed(payload)
            del payload
            with self._shared.semaphore.acquired(
                self._max_wait_s(context), context.add_callback
            ) as acquired:
                self._check_still_wanted(context, acquired)
                response = self._method(request)
        except StatusError as error:
            code, message = error.code, error.message
        except Exception:
            # The error itself is not for clients.
            code, message = grpc.StatusCode.INTERNAL, f"internal error, request id {identity}"
            logger.exception("%s: internal error, request id %s", self._name, identity)
        finally:
            self._shared.capacity.release()
        notify(
            self._shared.observers,
            Outcome(
                transport="grpc",
                method=self._name,
                request_id=identity,
                code=code,
                message=message,
                seconds=time.perf_counter() - started,
                request=request,
                response=response,
                request_bytes=size,
            ),
        )
        if code is not grpc.StatusCode.OK:
            abort(context, code, message)
        return response

    def _parsed(self, payload: bytes) -> Any:
        try:
            return self._parse(payload)
        except Exception as error:  # protobuf raises several kinds
            raise invalid_argument(f"The message is no {self._name} request.") from error

    def _max_wait_s(self, context: grpc.ServicerContext) -> float | None:
        """Seconds that the call may wait for the semaphore; None for no limit."""
        remaining = context.time_remaining()  # as good as infinite without a deadline
        limit = self._shared.max_wait_s
        if remaining > threading.TIMEOUT_MAX:
            return limit
        return remaining if limit is None else min(remaining, limit)

    def _check_still_wanted(self, context: grpc.ServicerContext, acquired: bool) -> None:
        """Raises if the client no longer waits for the answer, or the wait was too long."""
        if context.time_remaining() == 0.0:
            raise StatusError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
        if not context.is_active():
            raise StatusError(grpc.StatusCode.CANCELLED, "Cancelled by the client")
        if not acquired:
            raise StatusError(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                f"Waited {self._shared.max_wait_s:g} s without getting its turn.",
            )


def receive(
    messages: Iterator[bytes], context: grpc.ServicerContext, watchdog: ReceiveWatchdog
) -> bytes:
    """The one message of a unary call.

    Raises:
        StatusError: there is none, or the call ended before it was whole.
    """
    try:
        with watchdog.receiving(context.cancel, time.perf_counter()):
            return next(messages)
    except StopIteration:
        raise invalid_argument("A unary call needs exactly one message.") from None
    except grpc.RpcError as error:
        raise StatusError(
            grpc.StatusCode.CANCELLED, "The call ended before its message was whole."
        ) from error


def identify(context: grpc.ServicerContext) -> str:
    """The id of a call, which its answer will carry."""
    identity = request_id.choose(find(context.invocation_metadata(), request_id.HEADER))
    context.set_trailing_metadata(((request_id.HEADER, identity),))
    return identity


def find(metadata: Any, name: str) -> str | None:
    """The first value of a name in a call's metadata, or None."""
    return next((value for key, value in metadata or () if key == name), None)


def abort(context: grpc.ServicerContext, code: grpc.StatusCode, message: str) -> None:
    """Ends a call with an error; raises."""
    if len(message) > _MAX_MESSAGE:
        message = f"{message[:_MAX_MESSAGE]}...TRUNCATED"
    context.abort(code, message)
