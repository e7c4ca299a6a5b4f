import shutil

import pytest
from tensorflow_serving.apis import prediction_log_pb2, session_service_pb2

from serving.server.errors import StatusError
from serving.server.servables.loading import load_servable
from tests.serving.server.servables.warmup_records import predict_log, write_records


def test_warm_up_runs_through_the_model(push):
    folder = push("tiny", 1)
    write_records(folder, [predict_log(a=[[1.0, 2.0]], b=["x"])])
    assert "two_inputs" in load_servable(folder).signatures


@pytest.mark.parametrize(
    ("records", "code", "message"),
    [
        pytest.param(
            [predict_log(a=[[1.0, 2.0]], b=["x"]), predict_log("nothing")],
            "FAILED_PRECONDITION",
            'Serving signature key "nothing" not found.',
            id="unknown signature",
        ),
        pytest.param(
            [predict_log("serving_default", faces=["no picture"])],
            "INVALID_ARGUMENT",
            "Unknown image file format",
            id="failing operation",
        ),
        pytest.param(
            [
                prediction_log_pb2.PredictionLog(
                    session_run_log=prediction_log_pb2.SessionRunLog(
                        request=session_service_pb2.SessionRunRequest()
                    )
                ).SerializeToString()
            ],
            "UNIMPLEMENTED",
            "Unsupported log_type for warmup: 5",
            id="kind that cannot be replayed",
        ),
        pytest.param(
            [b"\xff"],
            "INVALID_ARGUMENT",
            r"Failed to parse warmup record: b'\xff' from",
            id="no log",
        ),
        pytest.param(
            [predict_log(a=[[1.0, 2.0]], b=["x"])] * 1001,
            "INVALID_ARGUMENT",
            "Number of warmup records exceeds the maximum (1000)",
            id="too many",
        ),
    ],
)
def test_a_record_that_fails_fails_the_load(push, records, code, message):
    folder = push("tiny", 1)
    write_records(folder, records)
    with pytest.raises(StatusError) as caught:
        load_servable(folder)
    assert caught.value.code.name == code
    assert message in caught.value.message


def test_a_torn_file_fails_the_load(push):
    folder = push("tiny", 1)
    path = write_records(folder, [predict_log(a=[[1.0, 2.0]], b=["x"])])
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(StatusError, match="verify your warmup data is in TFRecord") as caught:
        load_servable(folder)
    assert caught.value.code.name == "DATA_LOSS"


def test_a_failing_record_is_not_run_where_warm_up_is_off(push):
    folder = push("tiny", 1)
    write_records(folder, [predict_log("nothing")])
    assert load_servable(folder, enable_model_warmup=False).signatures


def regression_log(kind, signature):
    log = prediction_log_pb2.PredictionLog()
    if kind == "multi_inference_log":
        request = log.multi_inference_log.request
        task = request.tasks.add(method_name="tensorflow/serving/regress")
        task.model_spec.name, task.model_spec.signature_name = "m", signature
    else:
        request = getattr(log, kind).request
        request.model_spec.signature_name = signature
    example = request.input.example_list.examples.add()
    example.features.feature["x"].float_list.value.append(2.0)
    return log.SerializeToString()


@pytest.mark.parametrize(
    ("kind", "good", "bad", "message"),
    [
        ("regress_log", "regress_x_to_y", "S", "No signature was found with the name: S"),
        ("classify_log", "classify_x_to_y", "wrong_count", "Tensors class and score should match"),
        ("multi_inference_log", "regress_x_to_y", "S", "signature not found in model graph: S"),
    ],
)
def test_every_kind_of_request_warms_up(half_plus_two, tmp_path, kind, good, bad, message):
    folder = tmp_path / "1"
    shutil.copytree(half_plus_two, folder)
    empty = prediction_log_pb2.PredictionLog().SerializeToString()
    write_records(folder, [empty, regression_log(kind, good)])
    load_servable(folder)
    write_records(folder, [regression_log(kind, good), regression_log(kind, bad)])
    with pytest.raises(StatusError, match=message):
        load_servable(folder)
