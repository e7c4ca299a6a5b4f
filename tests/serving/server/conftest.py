"""A gRPC server in front of an API that tests hold in their hands."""

import struct
import threading
from collections.abc import Callable, Iterator

import grpc
import pytest
from tensorflow_serving.apis import get_model_status_pb2, predict_pb2, prediction_service_pb2_grpc

from serving.server.errors import StatusError
from serving.server.grpc_server import GrpcServer


class EchoApi:
    """Answers Predict with the request's own model spec, as soon as `gate` is open.

    The model `refused` is an error of the request, `broken` one of the server.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.entered: list[str] = []

    def predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        name = request.model_spec.name
        self.entered.append(name)
        assert self.gate.wait(60)
        if name == "refused":
            raise StatusError(grpc.StatusCode.NOT_FOUND, "no such model " + "x" * 5000)
        if name == "broken":
            raise RuntimeError("a secret of the server")
        response = predict_pb2.PredictResponse()
        response.model_spec.CopyFrom(request.model_spec)
        response.model_spec.version.value = 7
        return response

    def get_model_status(
        self, request: get_model_status_pb2.GetModelStatusRequest
    ) -> get_model_status_pb2.GetModelStatusResponse:
        return get_model_status_pb2.GetModelStatusResponse()


@pytest.fixture
def api() -> EchoApi:
    return EchoApi()


@pytest.fixture
def serve(api: EchoApi) -> Iterator[Callable[..., GrpcServer]]:
    """Starts a server with `GrpcServer`'s arguments; it takes requests and is ready."""
    servers: list[GrpcServer] = []

    def start(**arguments: object) -> GrpcServer:
        server = GrpcServer(api, **arguments)
        server.start()
        server.health.serve()
        server.health.set_loaded()
        servers.append(server)
        return server

    yield start
    api.gate.set()
    for server in servers:
        server.stop(10.0)


@pytest.fixture
def connect() -> Iterator[Callable[..., grpc.Channel]]:
    """Opens a channel of its own connection to a server."""
    channels: list[grpc.Channel] = []

    def open_channel(server: GrpcServer) -> grpc.Channel:
        channel = grpc.insecure_channel(
            f"127.0.0.1:{server.port}", options=[("grpc.use_local_subchannel_pool", 1)]
        )
        channels.append(channel)
        return channel

    yield open_channel
    for channel in channels:
        channel.close()


@pytest.fixture
def predict_stub(connect) -> Callable[..., prediction_service_pb2_grpc.PredictionServiceStub]:
    return lambda server: prediction_service_pb2_grpc.PredictionServiceStub(connect(server))


@pytest.fixture(scope="session")
def ask() -> Callable[[str], predict_pb2.PredictRequest]:
    """A Predict request for a model."""

    def request(model: str) -> predict_pb2.PredictRequest:
        message = predict_pb2.PredictRequest()
        message.model_spec.name = model
        return message

    return request


@pytest.fixture(scope="session")
def http2_call() -> Callable[[str, bytes], bytes]:
    """The bytes of a connection that begins a call (RFC 9113, RFC 7541)."""

    def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
        return (
            struct.pack(">I", len(payload))[1:]
            + bytes([kind, flags])
            + struct.pack(">I", stream)
            + payload
        )

    def text(value: bytes) -> bytes:
        assert len(value) < 127
        return bytes([len(value)]) + value

    def call(path: str, data: bytes) -> bytes:
        headers = (
            b"\x83\x86"  # POST, http
            + b"\x04" + text(path.encode())
            + b"\x01" + text(b"localhost")
            + b"\x0f\x10" + text(b"application/grpc")
            + b"\x00" + text(b"te") + text(b"trailers")
        )  # fmt: skip
        return (
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
            + frame(4, 0, 0, b"")
            + frame(1, 4, 1, headers)
            + frame(0, 0, 1, data)
        )

    return call
