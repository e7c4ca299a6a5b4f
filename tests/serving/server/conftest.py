"""A gRPC server in front of an API that tests hold in their hands."""

from collections.abc import Callable, Iterator

import grpc
import pytest
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving.server.grpc_server import GrpcServer
from tests.serving.server.echo_api import EchoApi


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
