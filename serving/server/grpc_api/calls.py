"""What happens around each unary call: receive, wait for a turn, answer, tell."""

import dataclasses
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import grpc

from serving.server.admission.limits import Admission, ReceiveWatch, Turnstile
from serving.server.errors import StatusError, invalid_argument
from serving.server.monitoring import observers as observing
from serving.server.monitoring.observers import Observer, Outcome

logger = logging.getLogger(__name__)

REQUEST_ID = "x-request-id"
"""Metadata that carries a request's id, both ways."""

_MAX_REQUEST_ID = 128

_MAX_MESSAGE = 1024
"""Characters of an error that reach the client, as in TensorFlow Serving
(`grpc_status_util.cc`): a longer one would not fit the call's trailing metadata."""


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What all calls of a server share.

    Attributes:
        admission: the requests under way; a call leaves it when it ends.
        turnstile: whose turn it is to compute.
        receive_watch: hangs up on calls whose message does not arrive.
        max_wait_s: seconds that a request may wait for its turn; None for any.
        observers: are told of every answer.
    """

    admission: Admission
    turnstile: Turnstile
    receive_watch: ReceiveWatch
    max_wait_s: float | None
    observers: Sequence[Observer]


class UnaryCall:
    """Answers the calls of one method: a handler for `grpc.stream_unary_rpc_method_handler`.

    On the wire a unary call and a stream of one message are the same. As a stream the call
    comes before its message does, which gives what a unary handler of gRPC cannot: an end to
    waiting for half a message, and parsing on the request's own thread instead of gRPC's one.

    Args:
        name: of the method.
        method: answers a request message; raises `StatusError`.
        parse: makes the request message of its bytes.
        surroundings: what all calls share.
    """

    def __init__(
        self,
        name: str,
        method: Callable[[Any], Any],
        parse: Callable[[bytes], Any],
        surroundings: Surroundings,
    ) -> None:
        self._name = name
        self._method = method
        self._parse = parse
        self._surroundings = surroundings

    def __call__(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> Any:
        """Answers one call, which has been let in."""
        started = time.perf_counter()
        identity = request_id(context.invocation_metadata())
        context.set_trailing_metadata(((REQUEST_ID, identity),))
        code, message, size = grpc.StatusCode.OK, "", 0
        request = response = None
        try:
            payload = receive(messages, context, self._surroundings.receive_watch)
            size = len(payload)
            request = self._parsed(payload)
            del payload
            with self._surroundings.turnstile.turn(
                self._patience(context), context.add_callback
            ) as granted:
                self._give_up_if_useless(context, granted)
                response = self._method(request)
        except StatusError as error:
            code, message = error.code, error.message
        except Exception:
            # Whatever it says is not for strangers.
            code, message = grpc.StatusCode.INTERNAL, f"internal error, request id {identity}"
            logger.exception("%s: internal error, request id %s", self._name, identity)
        finally:
            self._surroundings.admission.leave()
        observing.tell(
            self._surroundings.observers,
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

    def _patience(self, context: grpc.ServicerContext) -> float | None:
        """Seconds for which waiting makes sense; None for any."""
        remaining = context.time_remaining()  # as good as infinite without a deadline
        patience = None if remaining > threading.TIMEOUT_MAX else remaining
        limit = self._surroundings.max_wait_s
        return limit if patience is None else min(patience, limit or patience)

    def _give_up_if_useless(self, context: grpc.ServicerContext, granted: bool) -> None:
        """Raises where nobody waits for the answer any longer."""
        if context.time_remaining() == 0.0:
            raise StatusError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
        if not context.is_active():
            raise StatusError(grpc.StatusCode.CANCELLED, "Cancelled by the client")
        if not granted:
            raise StatusError(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                f"Waited {self._surroundings.max_wait_s:g} s without getting its turn.",
            )


def receive(
    messages: Iterator[bytes], context: grpc.ServicerContext, receive_watch: ReceiveWatch
) -> bytes:
    """The one message of a unary call.

    Raises:
        StatusError: there is none, or the call ended before it was whole.
    """
    try:
        with receive_watch.receiving(context.cancel, time.perf_counter()):
            return next(messages)
    except StopIteration:
        raise invalid_argument("A unary call needs exactly one message.") from None
    except grpc.RpcError as error:
        raise StatusError(
            grpc.StatusCode.CANCELLED, "The call ended before its message was whole."
        ) from error


def request_id(metadata: Any) -> str:
    """The id that a client gave its request, else a new one.

    Args:
        metadata: pairs of name and value.

    Returns:
        At most 128 printable ASCII characters.
    """
    value = find(metadata, REQUEST_ID)
    if value and len(value) <= _MAX_REQUEST_ID and value.isascii() and value.isprintable():
        return value
    return uuid.uuid4().hex


def find(metadata: Any, name: str) -> str | None:
    """The first value of a name in a call's metadata, or None."""
    return next((value for key, value in metadata or () if key == name), None)


def abort(context: grpc.ServicerContext, code: grpc.StatusCode, message: str) -> None:
    """Ends a call with an error; raises."""
    if len(message) > _MAX_MESSAGE:
        message = f"{message[:_MAX_MESSAGE]}...TRUNCATED"
    context.abort(code, message)
