"""Versions that come and go under a running server."""

import concurrent.futures
import shutil
import threading

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving.server.model_server import ModelServer

pytestmark = pytest.mark.slow

STATE = get_model_status_pb2.ModelVersionStatus


def request_of(signature, a):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "tiny"
    request.model_spec.signature_name = signature
    request.inputs["a"].CopyFrom(tf.make_tensor_proto(np.array(a, np.float32)))
    if signature == "two_inputs":
        request.inputs["b"].CopyFrom(tf.make_tensor_proto(["b"]))
    return request


def statuses(model_stub, name="tiny"):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = name
    return {s.version: s for s in model_stub.GetModelStatus(request).model_version_status}


def test_swap_of_versions_fails_no_request(server, stub, model_stub, push, wait_until):
    stop = threading.Event()

    def ask_on():
        answers = []
        while not stop.is_set():
            response = stub.Predict(request_of("two_inputs", [[1.0, 1.0]]))
            version = response.model_spec.version.value
            # The model multiplies by its own number: version and content belong together.
            assert list(response.outputs["x"].float_val) == [version, version]
            answers.append(version)
        return answers

    with concurrent.futures.ThreadPoolExecutor(8) as executor:
        asking = [executor.submit(ask_on) for _ in range(8)]
        try:
            push("tiny", 2)
            wait_until(lambda: server.manager.available() == {"tiny": [2]})
            stub.Predict(request_of("two_inputs", [[1.0, 1.0]]))
        finally:
            stop.set()
        answers = [future.result() for future in asking]
    assert all(seen == sorted(seen) for seen in answers)
    assert {version for seen in answers for version in seen} == {1, 2}
    assert {v: s.state for v, s in statuses(model_stub).items()} == {
        2: STATE.AVAILABLE,
        1: STATE.END,
    }


def test_half_written_version_is_ignored_until_it_is_whole(
    server, stub, push, saved_models, tmp_path, wait_until
):
    folder = tmp_path / "serving" / "tiny" / "2"
    shutil.copytree(saved_models[2], folder, ignore=shutil.ignore_patterns("saved_model.pb"))
    polled = server.manager.reconcile
    rounds = []
    server.manager.reconcile = lambda aspired: (polled(aspired), rounds.append(aspired))
    wait_until(lambda: len(rounds) >= 2)
    assert set(server.manager.statuses("tiny")) == {1}
    shutil.copy(saved_models[2] / "saved_model.pb", folder)
    wait_until(lambda: server.manager.available() == {"tiny": [2]})


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda d: (d / "saved_model.pb").write_bytes(b"torn"), id="graph"),
        pytest.param(lambda d: (d / "saved_model.pb").write_bytes(b""), id="empty graph"),
        pytest.param(
            lambda d: (d / "variables" / "variables.index").write_bytes(b"torn"), id="variables"
        ),
        pytest.param(lambda d: shutil.rmtree(d / "variables"), id="no variables"),
    ],
)
def test_corrupt_version_is_reported_and_the_old_one_serves_on(
    server, stub, model_stub, saved_models, tmp_path, wait_until, damage
):
    aside = tmp_path / "aside"
    shutil.copytree(saved_models[2], aside)
    damage(aside)
    aside.rename(tmp_path / "serving" / "tiny" / "2")

    def state_of_two():
        return 2 in statuses(model_stub) and statuses(model_stub)[2].state

    wait_until(lambda: state_of_two() == STATE.END)
    reported = statuses(model_stub)
    assert reported[2].status.error_code != 0
    assert reported[2].status.error_message
    assert reported[1].state == STATE.AVAILABLE
    assert stub.Predict(request_of("two_inputs", [[1.0, 1.0]])).model_spec.version.value == 1


def test_models_come_and_go(server, push, tmp_path, wait_until):
    push("second", 2)
    wait_until(lambda: server.manager.available() == {"second": [2], "tiny": [1]})
    shutil.rmtree(tmp_path / "serving" / "tiny")
    wait_until(lambda: server.manager.available() == {"second": [2]})


def test_a_root_that_vanishes_unloads_nothing(server, tmp_path, wait_until, caplog):
    (tmp_path / "serving").rename(tmp_path / "elsewhere")
    wait_until(lambda: "what serves stays" in caplog.text)
    assert server.manager.available() == {"tiny": [1]}


def test_one_models_own_folder_is_served_under_the_name_given(push, tmp_path):
    push("tiny", 1)
    push("tiny", 2)
    with ModelServer(tmp_path / "serving" / "tiny", model_name="renamed") as server:
        assert server.manager.available() == {"renamed": [2]}


def test_stopping_lets_requests_under_way_end(push, tmp_path, wait_until):
    push("tiny", 1)
    server = ModelServer(tmp_path / "serving")
    server.start()
    with grpc.insecure_channel(server.target) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        stub.Predict(request_of("slow", [[1.0, 0.0]]))
        call = stub.Predict.future(request_of("slow", [[200_000.0, 0.0]]))
        (version,) = server.manager._models["tiny"].values()
        wait_until(lambda: version.requests == 1)
        server.stop()
        assert call.result().outputs["total"].float_val
    assert server.manager.available() == {}


def test_a_port_that_is_taken_is_an_error(server, tmp_path):
    port = int(server.target.rpartition(":")[2])
    with pytest.raises(OSError, match="cannot listen on"):
        ModelServer(tmp_path, port=port).start()


def test_a_server_of_an_empty_folder_waits(push, tmp_path, wait_until):
    with ModelServer(tmp_path / "serving", poll_interval_s=0.05) as server:
        assert server.manager.available() == {}
        push("tiny", 1)
        wait_until(lambda: server.manager.available() == {"tiny": [1]})
        with grpc.insecure_channel(server.target) as channel:
            stub = model_service_pb2_grpc.ModelServiceStub(channel)
            assert statuses(stub)[1].state == STATE.AVAILABLE
