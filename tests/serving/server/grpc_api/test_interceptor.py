"""Calls that are admitted and refused, over the wire."""

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

from serving.server.admission import BearerTokens
from serving.server.admission.auth import REFUSAL
from serving.server.grpc_api.server import GrpcServer
from serving.server.limits import Limits

RIGHT = (("authorization", "Bearer right"),)


@pytest.fixture
def tokens(tmp_path):
    path = tmp_path / "tokens.txt"
    path.write_text("right\n")
    return BearerTokens(path)


def refusal_of(call, *arguments, **keywords):
    with pytest.raises(grpc.RpcError) as error:
        call(*arguments, **keywords)
    return error.value.code(), error.value.details()


def test_a_token_is_checked_before_anything_else(serve, connect, predict_stub, tokens, api, ask):
    server = serve(tokens=tokens)
    stub, channel = predict_stub(server), connect(server)
    unknown = channel.unary_unary("/tensorflow.serving.PredictionService/Nothing")
    other = channel.unary_unary("/another.Service/Nothing")
    reflection = reflection_pb2_grpc.ServerReflectionStub(channel)
    names = reflection_pb2.ServerReflectionRequest(list_services="")
    wrong = (("authorization", "Bearer wrong"),)
    refusals = [
        refusal_of(stub.Predict, ask("m")),
        refusal_of(stub.Predict, ask("refused"), metadata=wrong),
        refusal_of(unknown, b""),
        refusal_of(other, b""),
        refusal_of(lambda: list(reflection.ServerReflectionInfo(iter([names])))),
    ]
    assert set(refusals) == {(grpc.StatusCode.UNAUTHENTICATED, REFUSAL)}
    assert api.entered == []
    assert stub.Predict(ask("m"), metadata=RIGHT).model_spec.name == "m"
    assert list(reflection.ServerReflectionInfo(iter([names]), metadata=RIGHT))


def test_probes_need_no_token(serve, connect, tokens):
    stub = health_pb2_grpc.HealthStub(connect(serve(tokens=tokens)))
    status = stub.Check(health_pb2.HealthCheckRequest()).status
    assert status == health_pb2.HealthCheckResponse.SERVING


def test_an_unknown_method_is_unimplemented_and_takes_no_room(serve, connect, predict_stub, ask):
    server = serve(limits=Limits(max_requests=1))
    unknown = connect(server).unary_unary("/tensorflow.serving.PredictionService/Nothing")
    for _ in range(2):
        assert refusal_of(unknown, b"")[0] is grpc.StatusCode.UNIMPLEMENTED
    assert predict_stub(server).Predict(ask("m"))


def test_one_request_too_many_is_refused(serve, predict_stub, api, ask, wait_until):
    outcomes = []
    server = serve(limits=Limits(max_requests=2), max_threads=1, observers=[outcomes.append])
    stub = predict_stub(server)
    api.gate.clear()
    calls = [stub.Predict.future(ask("m")) for _ in range(2)]
    wait_until(lambda: server.admission.capacity.in_use == 2)
    assert refusal_of(stub.Predict, ask("too many"), metadata=(("x-request-id", "7"),)) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "Server Threadpool Exhausted",
    )
    api.gate.set()
    assert [call.result().model_spec.name for call in calls] == ["m", "m"]
    assert server.admission.capacity.wait_until_idle(60)
    stub.Predict(ask("m"))
    assert "too many" not in api.entered
    refused = outcomes[0]
    assert (refused.method, refused.request_id, refused.code) == (
        "Predict",
        "7",
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    )


def test_while_models_load_only_their_status_is_answered(api, connect, predict_stub, ask):
    server = GrpcServer(api)
    server.start()
    assert refusal_of(predict_stub(server).Predict, ask("m")) == (
        grpc.StatusCode.UNAVAILABLE,
        "the server is loading its models",
    )
    status = model_service_pb2_grpc.ModelServiceStub(connect(server))
    status.GetModelStatus(get_model_status_pb2.GetModelStatusRequest())
    server.health.serve()
    assert predict_stub(server).Predict(ask("m"))
    server.stop(5.0)
