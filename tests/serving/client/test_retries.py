"""What a client does while its server is not there, or fails."""

import concurrent.futures
import contextlib
import threading

import grpc
import pytest
from tensorflow_serving.apis import get_model_metadata_pb2, prediction_service_pb2_grpc

from serving.client.calls import SignaturesCall
from serving.client.client import Client
from serving.client.errors import CallError, ServingError
from serving.server.model_server import ModelServer

pytestmark = pytest.mark.slow


class FlakyService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Fails with `codes` in turn, then answers with an empty response."""

    def __init__(self, codes):
        self.codes = list(codes)
        self.calls = 0

    def GetModelMetadata(self, request, context):
        self.calls += 1
        if self.codes:
            context.abort(self.codes.pop(0), "said the server")
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.metadata["signature_def"].Pack(get_model_metadata_pb2.SignatureDefMap())
        return response


@contextlib.contextmanager
def serving(service, **options):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2), **options)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None)


def test_unavailable_is_tried_again():
    service = FlakyService([grpc.StatusCode.UNAVAILABLE] * 2)
    missing = pytest.raises(ServingError, match="it has no signature 'serving_tracks'")
    with serving(service) as target, Client(target, "m") as client, missing:
        client.track_width()
    assert service.calls == 3


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNKNOWN,
    ],
)
def test_other_failures_are_not_tried_again(code):
    service = FlakyService([code])
    failure = pytest.raises(ServingError, match="said the server")
    with serving(service) as target, Client(target, "m") as client, failure as caught:
        client.track_width()
    assert service.calls == 1
    assert caught.value.code is code


def test_a_full_server_is_tried_again():
    entered, leave = threading.Event(), threading.Event()

    class Slow(FlakyService):
        def GetModelMetadata(self, request, context):
            entered.set()
            leave.wait()
            return super().GetModelMetadata(request, context)

    service = Slow([])
    with (
        serving(service, maximum_concurrent_rpcs=1) as target,
        concurrent.futures.ThreadPoolExecutor(1) as other,
        Client(target, "m") as client,
        contextlib.ExitStack() as at_last,
    ):
        at_last.callback(leave.set)  # else a failure would wait for the first
        first = other.submit(Client(target, "m").track_width)
        entered.wait()
        # What the server says to the second, until the first is answered.
        with pytest.raises(CallError, match="Concurrent RPC limit exceeded") as caught:
            client._channel.call(SignaturesCall(), 5.0)
        assert caught.value.transient
        threading.Timer(0.2, leave.set).start()
        for asked in (client.track_width, first.result):
            with pytest.raises(ServingError, match="it has no signature"):
                asked()
    assert service.calls == 2


def test_a_message_that_is_too_large_is_not_tried_again():
    service = FlakyService([])
    limit = [("grpc.max_receive_message_length", 8)]
    failure = pytest.raises(ServingError, match="larger than max")
    with serving(service, options=limit) as target, Client(target, "m") as client, failure:
        client.track_width()
    assert service.calls == 0


def test_a_server_that_never_comes_up_is_reported_within_the_deadline(tmp_path):
    with ModelServer(tmp_path) as server:
        target = server.target
    failure = pytest.raises(ServingError, match="the server cannot be reached")
    with Client(target, "m", timeout_s=0.5) as client, failure as caught:
        client.track_width()
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE


def test_a_server_that_comes_up_late_is_waited_for(push, tmp_path):
    push("tiny", 1)
    with ModelServer(tmp_path / "serving") as first:
        port = int(first.target.rpartition(":")[2])
    late = ModelServer(tmp_path / "serving", port=port)
    starting = threading.Timer(0.5, late.start)
    starting.start()
    try:
        with Client(f"127.0.0.1:{port}", "tiny") as client:
            assert client.track_width() == 4
    finally:
        starting.join()
        late.stop()
