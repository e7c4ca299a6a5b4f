"""The gRPC transport: TensorFlow Serving's services, health and reflection on one port."""

import concurrent.futures
import os
import time
from collections.abc import Mapping, Sequence

import grpc
from google.protobuf import symbol_database
from tensorflow_serving.apis import model_service_pb2, prediction_service_pb2

from serving.server.addresses import host_and_port
from serving.server.admission import (
    AdmissionControl,
    BearerTokens,
    Capacity,
    FairSemaphore,
    Health,
    ReceiveWatchdog,
)
from serving.server.grpc_api import tls as tls_config
from serving.server.grpc_api.calls import CallContext, UnaryCall
from serving.server.grpc_api.health_and_reflection import HealthAndReflection
from serving.server.grpc_api.interceptor import AdmissionInterceptor
from serving.server.limits import Limits
from serving.server.monitoring import Observer
from serving.server.protos import ssl_config_pb2

MAX_THREADS = 32
"""Requests computed at a time by default; further ones wait. More than TensorFlow Serving's four
a core, because requests that wait together make a batch."""

_SERVICES = [
    prediction_service_pb2.DESCRIPTOR.services_by_name["PredictionService"],
    model_service_pb2.DESCRIPTOR.services_by_name["ModelService"],
]

_API_METHODS = {
    "Classify": "classify",
    "GetModelMetadata": "get_model_metadata",
    "GetModelStatus": "get_model_status",
    "HandleReloadConfigRequest": "handle_reload_config_request",
    "MultiInference": "multi_inference",
    "Predict": "predict",
    "Regress": "regress",
}
"""Method of the API that answers a call."""

_QUIET_TIMEOUT_S = 2.0
"""Longest wait for clients to fall quiet before the port is closed."""

_SERVER_OPTIONS = {
    # Otherwise a second server on the same port would silently share its requests.
    "grpc.so_reuseport": 0,
    # A peer that vanished during a call, or a bare socket, is noticed within 40 s.
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": 20_000,
}


class GrpcServer:
    """Answers gRPC calls by an API's methods; one object serves once.

    `AdmissionControl` decides about every call of the two services; a refused call is not read.
    An admitted call is received, waits for one of `max_threads` slots, and is dropped before it
    computes if its client has gone or its deadline has passed. The health service needs no
    admission.

    Attributes:
        admission: decides which requests are taken, for another transport to share.
        health: of the server: `serve()` opens it, `set_loaded()` makes it ready.

    Args:
        api: has TensorFlow Serving's methods in snake case (`predict`, `get_model_status`,
            ...); they take and return messages and raise `StatusError`. What it lacks is
            UNIMPLEMENTED.
        host: address to listen on; `0.0.0.0` for all.
        port: 0 for any free one.
        max_threads: requests computed at a time.
        socket_path: Unix domain socket to listen on as well.
        channel_arguments: of gRPC; they override ours.
        tls: checked by `ssl_config.read`; None for no encryption.
        tokens: see `AdmissionControl`.
        limits: beyond which requests are refused.
        observers: called with the outcome of every call.
    """

    def __init__(
        self,
        api: object,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        max_threads: int = MAX_THREADS,
        socket_path: str | os.PathLike[str] | None = None,
        channel_arguments: Mapping[str, int | str] | None = None,
        tls: ssl_config_pb2.SSLConfig | None = None,
        tokens: BearerTokens | None = None,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        observers: Sequence[Observer] = (),
    ) -> None:
        self._host = host
        self._port = port
        self._socket_path = socket_path
        self._credentials = None if tls is None else tls_config.server_credentials(tls)
        self.health = Health()
        self.admission = AdmissionControl(self.health, Capacity(limits.max_requests), tokens)
        self._watchdog = ReceiveWatchdog(limits.receive_timeout_s)
        self._interceptor = AdmissionInterceptor(self.admission, observers)
        # Threads are made when needed: a request that arrives or waits holds one.
        self._request_pool = concurrent.futures.ThreadPoolExecutor(limits.max_requests, "request")
        self._health_and_reflection = HealthAndReflection(self.health, self._watchdog)
        self._server = grpc.server(
            self._request_pool,
            interceptors=[self._interceptor],
            options=list(
                {
                    "grpc.max_send_message_length": limits.max_message_bytes,
                    "grpc.max_receive_message_length": limits.max_message_bytes,
                    **_SERVER_OPTIONS,
                    **(channel_arguments or {}),
                }.items()
            ),
        )
        shared = CallContext(
            capacity=self.admission.capacity,
            semaphore=FairSemaphore(max_threads),
            watchdog=self._watchdog,
            max_wait_s=limits.max_wait_s,
            observers=observers,
        )
        self._server.add_generic_rpc_handlers(
            [
                *_api_handlers(api, shared),
                *self._health_and_reflection.handlers([service.full_name for service in _SERVICES]),
                grpc.method_handlers_generic_handler(
                    "tensorflow.ProfilerService",  # TensorBoard's button "Capture profile"
                    {"Profile": grpc.unary_unary_rpc_method_handler(_refuse_to_profile)},
                ),
            ]
        )

    @property
    def port(self) -> int:
        """Where it listens; known once it has started."""
        return self._port

    def start(self) -> None:
        """Begins to listen; calls are admitted once `health.serve()` is called.

        Raises:
            OSError: an address cannot be listened on.
        """
        self._port = self._listen(host_and_port(self._host, self._port))
        if self._socket_path is not None:
            self._listen(f"unix:{os.fspath(self._socket_path)}")
        self._watchdog.start()
        self._server.start()

    def stop(self, grace_s: float) -> None:
        """Answers every admitted request, refuses new ones, and stops listening.

        Args:
            grace_s: seconds after which requests under way are cut off.
        """
        end = time.monotonic() + grace_s
        self.health.drain()
        self.admission.capacity.wait_until_idle(grace_s)
        self._interceptor.wait_until_quiet(min(_QUIET_TIMEOUT_S, end - time.monotonic()))
        # What is left is sending the last answers.
        stopped = self._server.stop(max(0.0, end - time.monotonic()))
        self._interceptor.refuse_waiting()
        self._health_and_reflection.stop()
        stopped.wait()
        self._watchdog.stop()
        self._interceptor.close()
        self._request_pool.shutdown(wait=False)

    def _listen(self, address: str) -> int:
        try:
            if self._credentials is None:
                return self._server.add_insecure_port(address)
            return self._server.add_secure_port(address, self._credentials)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {address}: {error}") from error


def _refuse_to_profile(request: bytes, context: grpc.ServicerContext) -> None:
    context.abort(
        grpc.StatusCode.UNIMPLEMENTED,
        "this server records no profiles; it shows latencies at /monitoring/prometheus/metrics, "
        "and tf.profiler profiles the SavedModel in a process of your own",
    )


def _api_handlers(api: object, shared: CallContext) -> list[grpc.GenericRpcHandler]:
    """Handlers of the two services' methods that the API has."""
    messages = symbol_database.Default()
    handlers = []
    for service in _SERVICES:
        methods = {}
        for method in service.methods:
            answer = getattr(api, _API_METHODS[method.name], None)
            if answer is None:
                continue
            request = messages.GetPrototype(method.input_type)
            response = messages.GetPrototype(method.output_type)
            methods[method.name] = grpc.stream_unary_rpc_method_handler(
                UnaryCall(method.name, answer, request.FromString, shared),
                response_serializer=response.SerializeToString,
            )
        handlers.append(grpc.method_handlers_generic_handler(service.full_name, methods))
    return handlers
