import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_status_pb2,
    predict_pb2,
    prediction_log_pb2,
)
from tensorflow_serving.config import model_server_config_pb2

from data.utils.errors import UsageError
from serving.server.monitoring.observers import Outcome
from serving.server.monitoring.request_log import RequestLog
from serving.server.servables import warmup


def config_of(text):
    return text_format.Parse(text, model_server_config_pb2.ModelConfig()).logging_config


@pytest.fixture
def config(tmp_path):
    (tmp_path / "logs").mkdir()

    def make(rate):
        return config_of(
            "logging_config { "
            f"log_collector_config {{ filename_prefix: '{tmp_path}/logs/m' }} "
            f"sampling_config {{ sampling_rate: {rate} }} }}"
        )

    return make


@pytest.fixture
def read(tmp_path):
    def records():
        paths = sorted((tmp_path / "logs").iterdir())
        assert all(path.suffix == ".tfrecord" for path in paths)
        return [
            [
                prediction_log_pb2.PredictionLog.FromString(record)
                for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
            ]
            for path in paths
        ]

    return records


def predicted(number, *, model="m", code=grpc.StatusCode.OK, size=0):
    request, response = predict_pb2.PredictRequest(), predict_pb2.PredictResponse()
    request.model_spec.name = model
    request.model_spec.signature_name = "two_inputs"
    request.inputs["a"].CopyFrom(tf.make_tensor_proto(np.full([1, 2], number, np.float32)))
    request.inputs["b"].CopyFrom(tf.make_tensor_proto(["b"]))
    response.model_spec.name = model
    response.model_spec.version.value = 7
    return Outcome("grpc", "Predict", "id", code, "", 0.0, request, response, size)


def numbers(records):
    return [tf.make_ndarray(r.predict_log.request.inputs["a"])[0, 0] for r in records]


def test_answered_requests_are_written_whole(config, read):
    log = RequestLog({"m": config(1.0)})
    outcomes = [predicted(number) for number in range(3)]
    for outcome in outcomes:
        log(outcome)
    log.stop()
    (records,) = read()
    assert numbers(records) == [0, 1, 2]
    assert records[0].predict_log.request == outcomes[0].request
    assert records[0].predict_log.response == outcomes[0].response
    assert records[0].log_metadata.model_spec.name == "m"
    assert records[0].log_metadata.model_spec.version.value == 7
    assert records[0].log_metadata.sampling_config.sampling_rate == 1.0
    assert records[0].log_metadata.timestamp_secs > 1_600_000_000


def test_only_what_was_answered_by_a_model_that_is_to_be_logged(config, read):
    log = RequestLog({"m": config(1.0)})
    log(predicted(1, model="another"))
    log(predicted(2, code=grpc.StatusCode.INTERNAL))
    status = get_model_status_pb2.GetModelStatusRequest()
    status.model_spec.name = "m"
    log(Outcome("grpc", "GetModelStatus", "id", grpc.StatusCode.OK, "", 0.0, status, None))
    log.stop()
    assert read() == []


def test_other_methods_are_logged_in_their_own_field(config, read):
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name = "m"
    log = RequestLog({"m": config(1.0)})
    response = classification_pb2.ClassificationResponse()
    log(Outcome("rest", "Classify", "id", grpc.StatusCode.OK, "", 0.0, request, response))
    log.stop()
    assert read()[0][0].classify_log.request == request


def test_the_rate_is_met(config, read):
    log = RequestLog({"m": config(0.25)}, max_queued=2000, seed=1)
    for number in range(2000):
        log(predicted(number))
    log.stop()
    # Binomial: 500 expected, standard deviation 19.4; five of them.
    assert 403 < len(read()[0]) < 597


@pytest.mark.parametrize("rate", [0.0])
def test_a_rate_of_nothing_writes_nothing(config, read, rate):
    log = RequestLog({"m": config(rate)})
    log(predicted(1))
    log.stop()
    assert read() == []


def test_a_full_file_is_followed_by_another(config, read):
    log = RequestLog({"m": config(1.0)}, max_file_bytes=250)
    for number in range(5):
        log(predicted(number))
    log.stop()
    files = read()
    assert len(files) > 1
    assert sorted(number for records in files for number in numbers(records)) == [0, 1, 2, 3, 4]


def test_what_finds_no_room_is_dropped_and_counted(config, read):
    log = RequestLog({"m": config(1.0)}, max_queued_bytes=100)
    log(predicted(1, size=101))
    log(predicted(2, size=100))
    log.stop()
    assert numbers(read()[0]) == [2]
    assert log.dropped == 1


def test_a_disk_that_fails_harms_no_request(config, tmp_path, read, caplog):
    log = RequestLog({"m": config(1.0)})
    (tmp_path / "logs").rename(tmp_path / "away")
    log(predicted(1))
    log.stop()
    assert log.dropped == 1
    assert "cannot be logged" in caplog.text


def test_configs_change_while_it_runs(config, read):
    log = RequestLog({})
    log(predicted(1))
    log.configure({"m": config(1.0)})
    log(predicted(2))
    log.stop()
    assert numbers(read()[0]) == [2]


def test_a_file_is_warm_up_requests(config, tmp_path, push):
    log = RequestLog({"m": config(1.0)})
    log(predicted(3))
    log.stop()
    folder = push("tiny", 1)
    (written,) = (tmp_path / "logs").iterdir()
    (folder / "assets.extra").mkdir()
    written.rename(folder / warmup.PATH)
    (log,) = warmup.read(folder)
    assert log.predict_log.request == predicted(3).request


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sampling_config { sampling_rate: 1.5 }", r"sampling_rate 1.5 is not in \[0, 1\]"),
        ("sampling_config { sampling_rate: 1 }", "filename_prefix is missing"),
        ("log_collector_config { type: 'kafka' }", "no log collector of type 'kafka'"),
        (
            "log_collector_config { filename_prefix: '/absent/m' }",
            "filename_prefix /absent/m lies in a folder that does not exist",
        ),
    ],
)
def test_a_config_that_cannot_be_met_is_an_error(text, message):
    with pytest.raises(UsageError, match=f"logging_config of model m: .*{message}"):
        RequestLog({"m": config_of(f"logging_config {{ {text} }}")})
