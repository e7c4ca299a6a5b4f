"""Calls that are cancelled, torn or slow, and their effect on other calls."""

import math
import socket
import struct
import types

import grpc
import pytest

from serving.server.limits import Limits
from tests.serving.server.http2 import END_STREAM, begin_call, frame

PREDICT = "/tensorflow.serving.PredictionService/Predict"


@pytest.fixture
def busy(serve, predict_stub, api, ask, wait_until):
    """A server whose one thread computes until `api.gate` is opened."""

    def start(**limits):
        outcomes = []
        server = serve(max_threads=1, limits=Limits(**limits), observers=[outcomes.append])
        stub = predict_stub(server)
        api.gate.clear()
        first = stub.Predict.future(ask("first"))
        wait_until(lambda: api.entered == ["first"])
        return types.SimpleNamespace(
            admission=server.admission, outcomes=outcomes, stub=stub, first=first
        )

    return start


def code_of(call):
    with pytest.raises(grpc.RpcError) as error:
        call.result()
    return error.value.code()


def test_a_request_whose_deadline_passes_while_it_waits_is_not_computed(busy, api, ask, wait_until):
    server = busy()
    late = server.stub.Predict.future(ask("late"), timeout=0.2)
    patient = server.stub.Predict.future(ask("patient"), timeout=60)
    assert code_of(late) is grpc.StatusCode.DEADLINE_EXCEEDED
    wait_until(lambda: [o.model for o in server.outcomes] == ["late"])
    assert server.outcomes[0].code in (
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,  # gRPC's core cancels it at the same moment
    )
    api.gate.set()
    assert patient.result().model_spec.name == "patient"
    assert api.entered == ["first", "patient"]


def test_a_cancelled_request_leaves_the_queue_at_once_and_is_not_computed(
    busy, api, ask, wait_until
):
    server = busy(max_requests=2)
    cancelled = server.stub.Predict.future(ask("cancelled"))
    wait_until(lambda: server.admission.capacity.in_use == 2)
    assert code_of(server.stub.Predict.future(ask("no room"))) is (
        grpc.StatusCode.RESOURCE_EXHAUSTED
    )
    cancelled.cancel()
    wait_until(lambda: "cancelled" in [o.model for o in server.outcomes])
    (outcome,) = (o for o in server.outcomes if o.model == "cancelled")
    assert outcome.code is grpc.StatusCode.CANCELLED
    # Its room is free while the first still computes.
    second = server.stub.Predict.future(ask("second"))
    api.gate.set()
    assert second.result().model_spec.name == "second"
    assert api.entered == ["first", "second"]


def test_nobody_waits_longer_than_the_server_allows(busy, ask):
    server = busy(max_wait_s=0.1)
    with pytest.raises(grpc.RpcError) as error:
        server.stub.Predict(ask("late"))
    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert error.value.details() == "Waited 0.1 s without getting its turn."


def test_half_a_message_holds_no_place_for_ever(serve, predict_stub, api, ask, wait_until):
    server = serve(limits=Limits(max_requests=1, receive_timeout_s=3600))
    stub = predict_stub(server)
    half = begin_call(PREDICT, struct.pack(">BI", 0, 1000) + b"half")
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(half)
        wait_until(lambda: server.admission.capacity.in_use == 1)
        assert code_of(stub.Predict.future(ask("next"))) is grpc.StatusCode.RESOURCE_EXHAUSTED
        later = math.inf
        wait_until(
            lambda: server._watchdog.cancel_late(later) or server.admission.capacity.in_use == 0
        )
        assert stub.Predict(ask("next")).model_spec.name == "next"
    assert api.entered == ["next"]


def test_a_slow_message_is_answered_and_keeps_nobody_waiting(
    serve, predict_stub, api, ask, wait_until
):
    server = serve(max_threads=1)
    stub = predict_stub(server)
    message = ask("slow").SerializeToString()
    body = struct.pack(">BI", 0, len(message)) + message
    # All but the last byte, which comes in a frame of its own.
    start = begin_call(PREDICT, body[:-1])
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        for index in range(0, len(start), 16):
            connection.sendall(start[index : index + 16])
            assert stub.Predict(ask("quick"))
        assert "slow" not in api.entered
        connection.sendall(frame(0, END_STREAM, 1, body[-1:]))
        wait_until(lambda: "slow" in api.entered)


def test_torn_connections_and_idle_ones_change_nothing(serve, predict_stub, ask):
    server = serve()
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(100)]
    for garbage in (b"PRI * HTTP/2.0\r\n\r\nSM", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 1000):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(garbage)
    assert predict_stub(server).Predict(ask("m"))
    for connection in idle:
        connection.close()


def test_a_message_of_64_mib_passes(serve, predict_stub, ask):
    stub = predict_stub(serve())
    large = ask("m")
    large.inputs["a"].tensor_content = bytes(64 * 2**20)
    assert stub.Predict(large)
    assert stub.Predict(ask("next")).model_spec.name == "next"
