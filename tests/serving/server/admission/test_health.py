import socket

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from serving.server.admission.health import LIVENESS, READINESS, Health, Stage
from serving.server.grpc_api import GrpcServer
from serving.server.limits import Limits
from tests.serving.server.http2 import begin_call

STATUS = health_pb2.HealthCheckResponse


def test_ready_once_requests_are_taken_and_models_are_loaded_until_it_drains():
    health = Health()
    assert (health.is_live(), health.is_ready()) == (True, False)
    health.serve()
    assert not health.is_ready()
    health.set_loaded()
    assert health.is_ready()
    health.drain()
    assert (health.is_live(), health.is_ready()) == (True, False)


def test_draining_is_the_end():
    health = Health()
    health.drain()
    health.serve()
    assert health.stage is Stage.DRAINING


def check(stub, name):
    return stub.Check(health_pb2.HealthCheckRequest(service=name)).status


def test_the_health_service_tells_liveness_and_readiness_apart(api, connect):
    server = GrpcServer(api)
    server.start()
    stub = health_pb2_grpc.HealthStub(connect(server))
    assert check(stub, LIVENESS) == STATUS.SERVING
    assert {check(stub, name) for name in READINESS} == {STATUS.NOT_SERVING}
    server.health.serve()
    server.health.set_loaded()
    assert {check(stub, name) for name in READINESS} == {STATUS.SERVING}
    with pytest.raises(grpc.RpcError) as error:
        check(stub, "another")
    assert error.value.code() is grpc.StatusCode.NOT_FOUND
    server.stop(5.0)


def test_a_watcher_sees_every_change_and_does_not_delay_the_stop(api, connect):
    server = GrpcServer(api)
    server.start()
    stub = health_pb2_grpc.HealthStub(connect(server))
    watching = stub.Watch(health_pb2.HealthCheckRequest())
    seen = [next(watching).status]
    server.health.serve()
    server.health.set_loaded()
    seen.append(next(watching).status)
    # One that hangs up and one of an unknown name.
    gone = stub.Watch(health_pb2.HealthCheckRequest())
    next(gone)
    gone.cancel()
    unknown = stub.Watch(health_pb2.HealthCheckRequest(service="another"))
    assert next(unknown).status == STATUS.SERVICE_UNKNOWN
    server.health.drain()
    seen.append(next(watching).status)
    server.stop(3600.0)
    assert seen == [STATUS.NOT_SERVING, STATUS.SERVING, STATUS.NOT_SERVING]
    with pytest.raises(grpc.RpcError):
        next(watching)


@pytest.mark.parametrize("payload", [b"\xff", None])
def test_a_torn_health_check_is_the_clients_fault(serve, connect, payload):
    channel = connect(serve())
    check = channel.stream_unary("/grpc.health.v1.Health/Check")
    with pytest.raises(grpc.RpcError) as error:
        check(iter([] if payload is None else [payload]))
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_half_health_checks_hold_no_thread_for_ever(serve, connect, wait_until):
    server = serve(limits=Limits(receive_timeout_s=0.2))
    half = begin_call("/grpc.health.v1.Health/Check", b"\0\0\0\0\x09half")
    sockets = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(64)]
    for connection in sockets:
        connection.sendall(half)
    stub = health_pb2_grpc.HealthStub(connect(server))
    assert check(stub, LIVENESS) == STATUS.SERVING
    for connection in sockets:
        connection.close()
