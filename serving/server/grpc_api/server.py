"""The gRPC transport: TensorFlow Serving's services, health and reflection on one port."""

import concurrent.futures
import os
import time
from collections.abc import Sequence

import grpc
from google.protobuf import symbol_database
from tensorflow_serving.apis import model_service_pb2, prediction_service_pb2

from serving.server.admission.auth import Tokens
from serving.server.admission.health import Health
from serving.server.admission.limits import Admission, Limits, ReceiveWatch, Turnstile
from serving.server.grpc_api import tls as tls_config
from serving.server.grpc_api.calls import Surroundings, UnaryCall
from serving.server.grpc_api.health_and_reflection import SideServices
from serving.server.grpc_api.interceptor import Door
from serving.server.monitoring.observers import Observer
from serving.server.protos import ssl_config_pb2

MAX_THREADS = 32
"""Requests computed at a time, unless told otherwise; further ones wait their turn. More than
TensorFlow Serving's four a core, because a batch is made of requests that wait together."""

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
    # Else a second server on the same port would silently share its requests.
    "grpc.so_reuseport": 0,
    # A peer that vanished, or a bare socket, with a call under way is found out in 40 s.
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": 20_000,
}


class GrpcServer:
    """Answers gRPC calls by an API's methods; one object serves once.

    Every call of the two services passes the same door: tokens, then whether the server takes
    requests (UNAVAILABLE while the first models load and while it drains), then
    `Limits.max_requests`. A call that is refused is refused unread. One that is let in is
    received, waits its turn among `max_threads`, and is dropped before it computes if its
    client has gone or its deadline has passed. The health service passes no door.

    Attributes:
        health: `serve()` lets requests in, `set_loaded()` makes the server ready.
        admission: the requests under way, for another transport to share.

    Args:
        api: has TensorFlow Serving's methods in snake case (`predict`, `get_model_status`,
            ...); they take and return messages and raise `StatusError`. What it lacks is
            UNIMPLEMENTED.
        host: address to listen on; `0.0.0.0` for all.
        port: 0 for any free one.
        max_threads: requests computed at a time.
        socket_path: Unix domain socket to listen on as well.
        channel_arguments: gRPC's own; they win over ours.
        tls: as `tls.read_ssl_config` gives it; None for no encryption.
        tokens: one of which every call but health checks must carry; None for no such need.
        limits: what is refused.
        observers: are told of every answer.
    """

    def __init__(
        self,
        api: object,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        max_threads: int = MAX_THREADS,
        socket_path: str | os.PathLike[str] | None = None,
        channel_arguments: Sequence[tuple[str, int | str]] = (),
        tls: ssl_config_pb2.SSLConfig | None = None,
        tokens: Tokens | None = None,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        observers: Sequence[Observer] = (),
    ) -> None:
        self._host = host
        self._port = port
        self._socket_path = socket_path
        self._credentials = None if tls is None else tls_config.server_credentials(tls)
        self.health = Health()
        self.admission = Admission(limits.max_requests)
        self._receive_watch = ReceiveWatch(limits.receive_timeout_s)
        self._door = Door(self.health, self.admission, tokens, observers)
        # Threads are made when needed: a request that arrives or waits holds one.
        self._request_pool = concurrent.futures.ThreadPoolExecutor(limits.max_requests, "request")
        self._side_services = SideServices(self.health, self._receive_watch)
        self._server = grpc.server(
            self._request_pool,
            interceptors=[self._door],
            # A dictionary, because of two arguments of one name gRPC takes either.
            options=list(
                {
                    "grpc.max_send_message_length": limits.max_message_bytes,
                    "grpc.max_receive_message_length": limits.max_message_bytes,
                    **_SERVER_OPTIONS,
                    **dict(channel_arguments),
                }.items()
            ),
        )
        surroundings = Surroundings(
            admission=self.admission,
            turnstile=Turnstile(max_threads),
            receive_watch=self._receive_watch,
            max_wait_s=limits.max_wait_s,
            observers=observers,
        )
        self._server.add_generic_rpc_handlers(
            [
                *_api_handlers(api, surroundings),
                *self._side_services.handlers([service.full_name for service in _SERVICES]),
            ]
        )

    @property
    def port(self) -> int:
        """Where it listens; known once it has started."""
        return self._port

    def start(self) -> None:
        """Begins to listen; calls are let in once `health.serve()` is called.

        Raises:
            OSError: an address cannot be listened on.
        """
        self._port = self._listen(f"{self._host}:{self._port}")
        if self._socket_path is not None:
            self._listen(f"unix:{os.fspath(self._socket_path)}")
        self._receive_watch.start()
        self._server.start()

    def stop(self, grace_s: float) -> None:
        """Answers every request that was let in, refuses new ones, and stops listening.

        Args:
            grace_s: seconds after which requests under way are cut off.
        """
        end = time.monotonic() + grace_s
        self.health.drain()
        self.admission.wait_until_empty(grace_s)
        self._door.wait_until_quiet(min(_QUIET_TIMEOUT_S, end - time.monotonic()))
        # What is left is sending the last answers.
        stopped = self._server.stop(max(0.0, end - time.monotonic()))
        self._door.refuse_waiting()
        self._side_services.stop()
        stopped.wait()
        self._receive_watch.stop()
        self._door.close()
        self._request_pool.shutdown(wait=False)

    def _listen(self, address: str) -> int:
        try:
            if self._credentials is None:
                return self._server.add_insecure_port(address)
            return self._server.add_secure_port(address, self._credentials)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {address}: {error}") from error


def _api_handlers(api: object, surroundings: Surroundings) -> list[grpc.GenericRpcHandler]:
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
                UnaryCall(method.name, answer, request.FromString, surroundings),
                response_serializer=response.SerializeToString,
            )
        handlers.append(grpc.method_handlers_generic_handler(service.full_name, methods))
    return handlers
