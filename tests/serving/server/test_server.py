"""A server with the options that flags set, over the wire."""

import concurrent.futures
import dataclasses
import socket

import grpc
import httpx
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_log_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.config import model_server_config_pb2

from serving.server.errors import StatusError
from serving.server.options import ServerOptions
from serving.server.protos import batching_parameters_pb2, monitoring_config_pb2
from serving.server.server import Server

METRICS = "/monitoring/prometheus/metrics"


@pytest.fixture
def options(push, tmp_path):
    push("tiny", 1)
    return ServerOptions(serving_root=tmp_path / "serving", port=0, rest_api_port=0)


def product_of(channel, rows=1, metadata=()):
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = "tiny", "product"
    request.inputs["a"].CopyFrom(tf.make_tensor_proto(np.ones([rows, 2], np.float32)))
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    return list(stub.Predict(request, metadata=metadata).outputs["product"].float_val)


def test_both_transports_and_batches_are_counted(options):
    options = dataclasses.replace(
        options,
        monitoring_config=monitoring_config_pb2.MonitoringConfig(
            prometheus_config=monitoring_config_pb2.PrometheusConfig(enable=True)
        ),
        batching_parameters=batching_parameters_pb2.BatchingParameters(),
    )
    with Server(options) as server, grpc.insecure_channel(server.target) as channel:
        with concurrent.futures.ThreadPoolExecutor(4) as executor:
            for rows, answer in enumerate(executor.map(lambda n: product_of(channel, n), range(4))):
                assert answer == [2.0] * 3 * rows
        url = f"http://{server.rest_target}"
        body = {"signature_name": "product", "instances": [[1, 1]]}
        answer = httpx.post(f"{url}/v1/models/tiny:predict", json=body).json()
        assert answer == {"predictions": [[2.0, 2.0, 2.0]]}
        page = httpx.get(url + METRICS).text.splitlines()
    prefix = ":tensorflow:serving:"
    for line in (
        'request_count{model_name="tiny",status="OK"} 5.0',
        'request_latency_count{model_name="tiny",API="Predict",entrypoint="GRPC"} 4.0',
        'request_latency_count{model_name="tiny",API="predict",entrypoint="REST"} 1.0',
        'runtime_latency_count{model_name="tiny",API="Predict",runtime="TF1"} 5.0',
    ):
        assert prefix + line in page
    (batches,) = (line for line in page if line.startswith(f"{prefix}batching_session:wrapped"))
    assert 1 <= float(batches.split()[-1]) <= 5


def test_metrics_are_shown_only_if_configured(options):
    with Server(options) as server:
        assert httpx.get(f"http://{server.rest_target}{METRICS}").status_code == 404


def test_without_a_token_every_answer_is_the_same(options, tmp_path):
    (tmp_path / "tokens").write_text("secret\n")
    options = dataclasses.replace(options, bearer_token_file=tmp_path / "tokens")
    with Server(options) as server, grpc.insecure_channel(server.target) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            product_of(channel)
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert product_of(channel, metadata=[("authorization", "Bearer secret")]) == [2, 2, 2]
        url = f"http://{server.rest_target}"
        answers = [
            httpx.get(url + path)
            for path in ("/v1/models/tiny", "/v1/models/none", METRICS, "/elsewhere")
        ]
        assert {answer.status_code for answer in answers} == {401}
        assert len({answer.text for answer in answers}) == 1
        right = {"authorization": "Bearer secret"}
        assert httpx.get(f"{url}/v1/models/tiny", headers=right).status_code == 200
        assert httpx.get(f"{url}/healthz/ready").status_code == 200


def test_a_server_without_a_model_lives_and_is_not_ready(tmp_path):
    with Server(ServerOptions(serving_root=tmp_path, port=0, rest_api_port=0)) as server:
        url = f"http://{server.rest_target}"
        assert httpx.get(f"{url}/healthz/live").status_code == 200
        assert httpx.get(f"{url}/healthz/ready").status_code == 503


def test_requests_are_sampled_by_the_models_config(push, tmp_path):
    folder = push("tiny", 1).parent
    config = model_server_config_pb2.ModelServerConfig()
    model = config.model_config_list.config.add(name="tiny", base_path=str(folder))
    model.model_platform = "tensorflow"
    model.logging_config.sampling_config.sampling_rate = 1.0
    model.logging_config.log_collector_config.filename_prefix = str(tmp_path / "sampled")
    options = ServerOptions(model_server_config=config, port=0, rest_api_port=0)
    with Server(options) as server, grpc.insecure_channel(server.target) as channel:
        assert product_of(channel) == [2.0, 2.0, 2.0]
        request = model_management_pb2.ReloadConfigRequest(config=config)
        wrong = request.config.model_config_list.config[0].logging_config
        wrong.log_collector_config.filename_prefix = str(tmp_path / "none" / "sampled")
        with pytest.raises(grpc.RpcError) as caught:
            model_service_pb2_grpc.ModelServiceStub(channel).HandleReloadConfigRequest(request)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert product_of(channel, rows=0) == []
        url = f"http://{server.rest_target}/v1/models/tiny:predict"
        httpx.post(url, json={"signature_name": "product", "instances": [[1, 1]]})
    (written,) = tmp_path.glob("sampled*.tfrecord")
    logs = [
        prediction_log_pb2.PredictionLog.FromString(record)
        for record in tf.data.TFRecordDataset(str(written)).as_numpy_iterator()
    ]
    assert [log.predict_log.request.model_spec.signature_name for log in logs] == ["product"] * 3


def test_a_request_over_rest_is_logged_under_its_clients_id(options, caplog):
    with Server(options) as server, caplog.at_level("WARNING", "serving.requests"):
        answer = httpx.post(
            f"http://{server.rest_target}/v1/models/none/versions/3:predict",
            json={"instances": [1]},
            headers={"X-Request-Id": "case-7"},
        )
    assert (answer.status_code, answer.headers["x-request-id"]) == (404, "case-7")
    (record,) = caplog.records
    expected = {"request_id": "case-7", "transport": "rest", "method": "Predict", "model": "none"}
    assert vars(record).items() >= {**expected, "version": 3, "status": "NOT_FOUND"}.items()


@pytest.mark.parametrize("host", ["::1", "::"])
def test_ipv6_addresses_are_served_and_written_in_brackets(options, host):
    with Server(dataclasses.replace(options, host=host)) as server:
        assert server.target.startswith(f"[{host}]:")
        for address in ("[::1]", "127.0.0.1")[: 2 if host == "::" else 1]:
            port = server.rest_target.rpartition(":")[2]
            answer = httpx.get(f"http://{address}:{port}/healthz/ready")
            assert answer.status_code in (200, 503)


def test_a_start_that_fails_leaves_nothing_listening(options):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = Server(dataclasses.replace(options, rest_api_port=port))
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}"):
            server.start()
    host, grpc_port = server.target.split(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(grpc_port)), 10)


def test_batching_parameters_that_do_not_fit_together_are_refused(options):
    parameters = batching_parameters_pb2.BatchingParameters(allowed_batch_sizes=[1, 2])
    with pytest.raises(StatusError, match="must match max_batch_size"):
        Server(dataclasses.replace(options, batching_parameters=parameters))
