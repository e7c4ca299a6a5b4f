"""The gRPC services of health and reflection."""

import concurrent.futures
import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from serving.server.admission import HEALTH_SERVICE, Health, ReceiveWatchdog
from serving.server.errors import StatusError
from serving.server.grpc_api import calls
from serving.server.grpc_api.interceptor import OnPool

_CHECKS = 64
"""Health checks at a time."""

_STREAMS = 256
"""Watchers of health and readers of reflection at a time: each holds a thread."""


class HealthAndReflection:
    """Health and reflection, on their own threads so that no load keeps them waiting.

    grpc_health's servicer is not used: it holds its one lock while it sends to a watcher, so
    that one watcher who does not read stops every probe.

    Args:
        health: of the server.
        watchdog: cancels calls whose message does not arrive.
    """

    def __init__(self, health: Health, watchdog: ReceiveWatchdog) -> None:
        self._health = health
        self._watchdog = watchdog
        self._check_pool = concurrent.futures.ThreadPoolExecutor(_CHECKS, "health-check")
        self._stream_pool = concurrent.futures.ThreadPoolExecutor(_STREAMS, "stream")
        self._open: set[grpc.ServicerContext] = set()
        self._stopping = False

    def handlers(self, api_services: Sequence[str]) -> list[grpc.GenericRpcHandler]:
        """The handlers for a server to register.

        Args:
            api_services: full names of the other services, for reflection.
        """
        response = health_pb2.HealthCheckResponse.SerializeToString
        self._reflection = reflection.ReflectionServicer(
            [*api_services, HEALTH_SERVICE, reflection.SERVICE_NAME]
        )
        return [
            grpc.method_handlers_generic_handler(
                HEALTH_SERVICE,
                {
                    "Check": grpc.stream_unary_rpc_method_handler(
                        OnPool(self._check_pool, self._check), response_serializer=response
                    ),
                    "Watch": grpc.stream_stream_rpc_method_handler(
                        OnPool(self._stream_pool, self._watch), response_serializer=response
                    ),
                },
            ),
            grpc.method_handlers_generic_handler(
                reflection.SERVICE_NAME,
                {
                    "ServerReflectionInfo": grpc.stream_stream_rpc_method_handler(
                        OnPool(self._stream_pool, self._reflect),
                        reflection_pb2.ServerReflectionRequest.FromString,
                        reflection_pb2.ServerReflectionResponse.SerializeToString,
                    )
                },
            ),
        ]

    def stop(self) -> None:
        """Cancels open calls: a watcher would delay the server's stop for all its grace."""
        self._stopping = True
        for context in list(self._open):
            context.cancel()
        self._check_pool.shutdown(wait=False)
        self._stream_pool.shutdown(wait=False)

    def _check(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> Any:
        with self._cancelled_by_stop(context):
            status = self._health.check(self._service_name(messages, context))
        if status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN:
            context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return health_pb2.HealthCheckResponse(status=status)

    def _watch(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[Any]:
        with self._cancelled_by_stop(context):
            yield from self._health.watch(self._service_name(messages, context), context)

    def _reflect(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        with self._cancelled_by_stop(context):
            yield from self._reflection.ServerReflectionInfo(requests, context)

    def _service_name(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> str:
        """The service that a health request names; ends the call if the request is no good."""
        try:
            payload = calls.receive(messages, context, self._watchdog)
            return health_pb2.HealthCheckRequest.FromString(payload).service
        except StatusError as error:
            context.abort(error.code, error.message)
            raise
        except DecodeError:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no HealthCheckRequest")
            raise

    @contextlib.contextmanager
    def _cancelled_by_stop(self, context: grpc.ServicerContext) -> Iterator[None]:
        self._open.add(context)
        try:
            if self._stopping:  # opened while `stop` went through the others
                context.cancel()
            yield
        finally:
            self._open.discard(context)
