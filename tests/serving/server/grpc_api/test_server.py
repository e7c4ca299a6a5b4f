"""The transport as its clients see it."""

import grpc
import pytest
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving.server.limits import Limits


def error_of(call, *arguments, **keywords):
    with pytest.raises(grpc.RpcError) as error:
        call(*arguments, **keywords)
    return error.value


def test_a_unix_socket_answers_too(serve, tmp_path, predict_stub, ask):
    path = tmp_path / "socket"
    server = serve(socket_path=path)
    with grpc.insecure_channel(f"unix:{path}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        assert stub.Predict(ask("by socket")).model_spec.name == "by socket"
    assert predict_stub(server).Predict(ask("by port")).model_spec.name == "by port"


def test_an_address_that_cannot_be_listened_on_is_an_error(serve, tmp_path):
    with pytest.raises(OSError, match="cannot listen on unix:"):
        serve(socket_path=tmp_path / "absent" / "socket")
    server = serve()
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{server.port}"):
        serve(port=server.port)


def test_an_ipv6_address_is_listened_on(serve, ask):
    server = serve(host="::1")
    with grpc.insecure_channel(f"[::1]:{server.port}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        assert stub.Predict(ask("m")).model_spec.name == "m"


def test_a_request_to_profile_is_refused_with_what_helps(serve, connect):
    profile = connect(serve()).unary_unary("/tensorflow.ProfilerService/Profile")
    error = error_of(profile, b"")
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "/monitoring/prometheus/metrics" in error.details()


def test_the_message_limit_is_set(serve, predict_stub, ask):
    stub = predict_stub(serve(limits=Limits(max_message_bytes=100_000)))
    large = ask("m")
    large.inputs["a"].string_val.append(b"x" * 100_000)
    assert error_of(stub.Predict, large).code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    large.inputs["a"].string_val[0] = b"x" * 90_000
    assert stub.Predict(large)


def test_channel_arguments_reach_grpc(serve, predict_stub, ask):
    arguments = {"grpc.max_receive_message_length": 1000}
    stub = predict_stub(serve(channel_arguments=arguments))
    large = ask("m" * 2000)
    assert error_of(stub.Predict, large).code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("model", ["m", "refused", "broken"])
def test_the_request_id_comes_back(serve, predict_stub, ask, model):
    stub = predict_stub(serve())
    call = stub.Predict.future(ask(model), metadata=(("x-request-id", "id-1"),))
    assert dict(call.trailing_metadata())["x-request-id"] == "id-1"


@pytest.mark.parametrize("sent", [(), (("x-request-id", ""),), (("x-request-id", "x" * 129),)])
def test_a_request_id_is_made_up_where_there_is_none_to_use(serve, predict_stub, ask, sent):
    stub = predict_stub(serve())
    calls = [stub.Predict.future(ask("m"), metadata=sent) for _ in range(2)]
    first, second = (dict(call.trailing_metadata())["x-request-id"] for call in calls)
    assert len(first) == len(second) == 32
    assert first != second


def test_an_error_keeps_its_code_and_as_much_of_its_message_as_fits(serve, predict_stub, ask):
    error = error_of(predict_stub(serve()).Predict, ask("refused"))
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert error.details().startswith("no such model xxx")
    assert error.details().endswith("x...TRUNCATED")
    assert len(error.details()) == 1024 + len("...TRUNCATED")


def test_a_fault_of_the_server_is_logged_and_not_shown_to_the_client(
    serve, predict_stub, ask, caplog
):
    error = error_of(
        predict_stub(serve()).Predict, ask("broken"), metadata=(("x-request-id", "id-2"),)
    )
    assert error.code() is grpc.StatusCode.INTERNAL
    assert error.details() == "internal error, request id id-2"
    assert "a secret of the server" in caplog.text
    assert "id-2" in caplog.text


@pytest.mark.parametrize(
    ("messages", "details"),
    [
        ([b"\xff\xff"], "The message is no Predict request."),
        ([], "A unary call needs exactly one message."),
    ],
)
def test_a_message_that_is_none_is_the_clients_fault(serve, connect, messages, details):
    channel = connect(serve())
    call = channel.stream_unary("/tensorflow.serving.PredictionService/Predict")
    error = error_of(call, iter(messages))
    assert (error.code(), error.details()) == (grpc.StatusCode.INVALID_ARGUMENT, details)


def test_a_method_that_the_api_lacks_is_unimplemented(serve, connect):
    call = connect(serve()).unary_unary("/tensorflow.serving.PredictionService/Regress")
    assert error_of(call, b"").code() is grpc.StatusCode.UNIMPLEMENTED


def test_observers_are_called_for_every_answer(serve, predict_stub, ask):
    outcomes = []

    def fails(outcome):
        raise RuntimeError("an observer's own fault")

    stub = predict_stub(serve(observers=[fails, outcomes.append]))
    request = ask("m")
    stub.Predict(request, metadata=(("x-request-id", "id-3"),))
    error_of(stub.Predict, ask("refused"))
    good, bad = outcomes
    assert (good.transport, good.method, good.request_id) == ("grpc", "Predict", "id-3")
    assert (good.code, good.message) == (grpc.StatusCode.OK, "")
    assert (good.model, good.version) == ("m", 7)
    assert good.request == request
    assert isinstance(good.response, predict_pb2.PredictResponse)
    assert good.request_bytes == request.ByteSize()
    assert good.seconds > 0
    assert (bad.code, bad.model, bad.version) == (grpc.StatusCode.NOT_FOUND, "refused", None)
    assert bad.response is None
