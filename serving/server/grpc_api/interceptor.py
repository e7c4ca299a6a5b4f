"""The interceptor that every gRPC call passes: it refuses calls that are not admitted."""

import concurrent.futures
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import grpc

from serving.server.admission import HEALTH_SERVICE, AdmissionControl
from serving.server.errors import StatusError
from serving.server.grpc_api import calls
from serving.server.monitoring import Observer, Outcome, notify

_HEALTH_PREFIX = f"/{HEALTH_SERVICE}/"
_API_PREFIX = "/tensorflow.serving."

_THREADS = 16

_QUIET_S = 0.1
"""Seconds without a new call that count as quiet: longer than a call is on its way from gRPC's
core to its interceptor on a busy machine."""

_IDLE_S = 1.0
"""After so long without a call there is none on its way, and a server stops at once."""

Continuation = Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler | None]


class OnPool:
    """A handler that gRPC runs on a thread pool of its own.

    Args:
        pool: runs it.
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


class AdmissionInterceptor(grpc.ServerInterceptor):
    """Refuses calls unread, and without a request's thread.

    Args:
        admission: decides; a call to the API that it admits must give its place back.
        observers: called with the outcome of every refused call.
    """

    def __init__(self, admission: AdmissionControl, observers: Sequence[Observer]) -> None:
        self._admission = admission
        self._observers = observers
        # Its own pool, because a refusal may have to wait while the server stops.
        self._pool = concurrent.futures.ThreadPoolExecutor(_THREADS, "refusal")
        self._calls = 0
        self._last_call = -math.inf
        self._may_refuse = threading.Event()
        self._may_refuse.set()

    def wait_until_quiet(self, timeout_s: float) -> None:
        """Holds back new refusals until no further call comes.

        gRPC's `stop` cancels the calls that it has received but not handed over yet. Under load
        there are always some, and clients do not retry CANCELLED. Clients that wait for an
        answer send nothing new, so that soon there are none.

        Args:
            timeout_s: seconds to wait at most.
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
        """Sends the refusals that were held back."""
        self._may_refuse.set()

    def close(self) -> None:
        """Ends its threads."""
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
        # Before anything is looked up: a stranger must not learn which methods there are.
        metadata = handler_call_details.invocation_metadata
        refusal = self._admission.authenticate(calls.find(metadata, "authorization"))
        if refusal is not None:
            return self._refuse(method, refusal)
        handler = continuation(handler_call_details)
        if handler is None or not method.startswith(_API_PREFIX):
            return handler
        refusal = self._admission.admit(is_status=method.endswith("/GetModelStatus"))
        return handler if refusal is None else self._refuse(method, refusal)

    def _refuse(self, method: str, refusal: StatusError) -> grpc.RpcMethodHandler:
        started = time.perf_counter()

        def refuse(messages: Iterator[bytes], context: grpc.ServicerContext) -> None:
            self._may_refuse.wait()
            outcome = Outcome(
                transport="grpc",
                method=method.rpartition("/")[2],
                request_id=calls.identify(context),
                code=refusal.code,
                message=refusal.message,
                seconds=time.perf_counter() - started,
            )
            notify(self._observers, outcome)
            calls.abort(context, refusal.code, refusal.message)

        # As a stream, it is answered without waiting for the request's message.
        return grpc.stream_unary_rpc_method_handler(OnPool(self._pool, refuse))
