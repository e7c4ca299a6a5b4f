"""Who is let in: the one interceptor that every gRPC call passes."""

import concurrent.futures
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import grpc

from serving.server.admission import auth, health
from serving.server.admission.auth import Tokens
from serving.server.admission.health import Health, Stage
from serving.server.admission.limits import Admission
from serving.server.grpc_api import calls
from serving.server.monitoring import observers as observing
from serving.server.monitoring.observers import Observer, Outcome

_HEALTH_PREFIX = f"/{health.SERVICE}/"
_API_PREFIX = "/tensorflow.serving."

_THREADS = 16

_QUIET_S = 0.1
"""Seconds without a new call that count as quiet: longer than a call is on its way from gRPC's
core to its interceptor on a busy machine."""

_IDLE_S = 1.0
"""A server without a call for so long has none on its way, and stops at once."""

Continuation = Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler | None]


class OnPool:
    """A handler that gRPC runs on a pool of its own.

    Args:
        pool: where it runs.
        behavior: takes the call's messages and its context.
    """

    def __init__(
        self,
        pool: concurrent.futures.ThreadPoolExecutor,
        behavior: Callable[[Iterator[Any], grpc.ServicerContext], Any],
    ) -> None:
        self.experimental_thread_pool = pool  # the name that gRPC looks for
        self._behavior = behavior

    def __call__(self, messages: Iterator[Any], context: grpc.ServicerContext) -> Any:
        """Answers one call."""
        return self._behavior(messages, context)


class Door(grpc.ServerInterceptor):
    """Refuses calls before they cost anything: unread, and without a request's thread.

    Args:
        health: whether requests are taken.
        admission: whether there is room; a call to the API that is let in must leave it.
        tokens: one of which every call but health checks must carry; None for no such need.
        observers: are told of every refusal.
    """

    def __init__(
        self,
        health: Health,
        admission: Admission,
        tokens: Tokens | None,
        observers: Sequence[Observer],
    ) -> None:
        self._health = health
        self._admission = admission
        self._tokens = tokens
        self._observers = observers
        # Of its own, because a refusal may have to wait while the server stops.
        self._pool = concurrent.futures.ThreadPoolExecutor(_THREADS, "refusal")
        self._calls = 0
        self._last_call = -math.inf
        self._may_refuse = threading.Event()
        self._may_refuse.set()

    def wait_until_quiet(self, timeout_s: float) -> None:
        """Keeps new calls waiting for their refusal until no further one comes.

        gRPC's `stop` cancels the calls that it has taken off the wire and not handed over
        yet: under load there are always some, and a client does not try CANCELLED again.
        Clients that wait for an answer send nothing new, so that soon there are none.

        Args:
            timeout_s: seconds after which it no longer matters whether calls come.
        """
        self._may_refuse.clear()
        now = time.monotonic()
        if now - self._last_call > _IDLE_S:
            return
        end = now + timeout_s
        seen = -1
        while seen != self._calls and time.monotonic() < end:
            seen = self._calls
            time.sleep(_QUIET_S)

    def refuse_waiting(self) -> None:
        """Refuses those that wait."""
        self._may_refuse.set()

    def close(self) -> None:
        """Lets go of its threads."""
        self._pool.shutdown(wait=False)

    def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler | None:
        """See `grpc.ServerInterceptor`."""
        self._calls += 1  # only gRPC's one thread comes here
        self._last_call = time.monotonic()
        method = handler_call_details.method
        if method.startswith(_HEALTH_PREFIX):
            return continuation(handler_call_details)
        metadata = handler_call_details.invocation_metadata
        # Before anything is looked up: a stranger must not learn which methods there are.
        if self._tokens and not self._tokens.allows(calls.find(metadata, "authorization")):
            return self._refuse(method, grpc.StatusCode.UNAUTHENTICATED, auth.REFUSAL)
        stage = self._health.stage
        # GetModelStatus answers while models load: it tells how far they are.
        handler = continuation(handler_call_details)
        if handler is None or not method.startswith(_API_PREFIX):
            return handler
        if stage is Stage.DRAINING or (
            stage is Stage.LOADING and not method.endswith("/GetModelStatus")
        ):
            return self._refuse(method, grpc.StatusCode.UNAVAILABLE, stage.value)
        if not self._admission.enter():
            return self._refuse(
                method, grpc.StatusCode.RESOURCE_EXHAUSTED, "Server Threadpool Exhausted"
            )
        return handler

    def _refuse(self, method: str, code: grpc.StatusCode, message: str) -> grpc.RpcMethodHandler:
        started = time.perf_counter()

        def refuse(messages: Iterator[bytes], context: grpc.ServicerContext) -> None:
            self._may_refuse.wait()
            identity = calls.request_id(context.invocation_metadata())
            context.set_trailing_metadata(((calls.REQUEST_ID, identity),))
            outcome = Outcome(
                transport="grpc",
                method=method.rpartition("/")[2],
                request_id=identity,
                code=code,
                message=message,
                seconds=time.perf_counter() - started,
            )
            observing.tell(self._observers, outcome)
            calls.abort(context, code, message)

        # As a stream, it is answered without waiting for the request's message.
        return grpc.stream_unary_rpc_method_handler(OnPool(self._pool, refuse))
