"""Answers of a server that stops, with real clients under load."""

import concurrent.futures
import threading
import time

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving.server.grpc_api import GrpcServer


class Load:
    """Clients that each send one request after the other until they are stopped."""

    def __init__(self, predict, clients, request):
        self.codes = []
        self._stop = threading.Event()
        self._executor = concurrent.futures.ThreadPoolExecutor(clients)
        self._clients = [
            self._executor.submit(self._run, predict[number % len(predict)], request)
            for number in range(clients)
        ]

    def _run(self, predict, request):
        while not self._stop.is_set():
            self.codes.append(predict.future(request, timeout=60).code())

    def end(self):
        self._stop.set()
        for client in self._clients:
            client.result(timeout=60)
        return self.codes


class CountingApi:
    """Takes its time and counts what it has answered."""

    def __init__(self, seconds):
        self._seconds = seconds
        self._lock = threading.Lock()
        self.answered = 0

    def predict(self, request):
        time.sleep(self._seconds)
        with self._lock:
            self.answered += 1
        return predict_pb2.PredictResponse()


@pytest.mark.parametrize("seconds", [0.0, 0.01])
def test_every_request_is_answered_or_refused_in_words_that_allow_another_try(
    connect, ask, wait_until, seconds
):
    api = CountingApi(seconds)
    server = GrpcServer(api, max_threads=2)
    server.start()
    server.health.serve()
    stubs = [
        prediction_service_pb2_grpc.PredictionServiceStub(connect(server)).Predict for _ in range(4)
    ]
    load = Load(stubs, 32, ask("m"))
    wait_until(lambda: api.answered > 50)
    server.stop(60.0)
    codes = load.end()
    assert set(codes) == {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}
    assert codes.count(grpc.StatusCode.OK) == api.answered


def test_health_and_refusals_while_the_accepted_are_answered(
    api, connect, predict_stub, ask, wait_until
):
    server = GrpcServer(api, max_threads=1)
    server.start()
    server.health.serve()
    server.health.set_loaded()
    stub, health = predict_stub(server), health_pb2_grpc.HealthStub(connect(server))
    api.gate.clear()
    accepted = [stub.Predict.future(ask("m")) for _ in range(5)]
    wait_until(lambda: server.admission.capacity.in_use == 5)
    stopping = threading.Thread(target=server.stop, args=(60.0,))
    stopping.start()
    wait_until(lambda: not server.health.is_ready())
    with pytest.raises(grpc.RpcError) as error:
        stub.Predict(ask("late"))
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE
    assert error.value.details() == "the server is shutting down"
    status = health.Check(health_pb2.HealthCheckRequest()).status
    assert status == health_pb2.HealthCheckResponse.NOT_SERVING
    api.gate.set()
    assert [call.result().model_spec.name for call in accepted] == ["m"] * 5
    stopping.join(60)
    assert "late" not in api.entered


def test_requests_that_outlast_the_grace_are_cut_off(api, predict_stub, ask, wait_until):
    server = GrpcServer(api)
    server.start()
    server.health.serve()
    api.gate.clear()
    call = predict_stub(server).Predict.future(ask("m"))
    wait_until(lambda: api.entered == ["m"])
    server.stop(0.1)
    assert call.code() in (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE)
    api.gate.set()
