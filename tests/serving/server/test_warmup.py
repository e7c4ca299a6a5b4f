import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from serving.server import warmup
from serving.server.errors import StatusError
from serving.server.servable import Servable


def write_records(folder, records):
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    return path


def predict_log(signature="two_inputs", **inputs):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "another name does not matter"
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    log = prediction_log_pb2.PredictLog(request=request)
    return prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString()


def test_requests_are_run_in_order(tmp_path):
    write_records(tmp_path, [predict_log(a=[[float(i), 0.0]]) for i in range(3)])
    asked = []
    warmup.run(tmp_path, asked.append)
    assert [tf.make_ndarray(request.inputs["a"])[0, 0] for request in asked] == [0, 1, 2]


def test_a_version_may_bring_none(tmp_path):
    assert warmup.read(tmp_path) == []


def test_warm_up_runs_through_the_model(push):
    folder = push("tiny", 1)
    write_records(folder, [predict_log(a=[[1.0, 2.0]], b=["x"])])
    assert "two_inputs" in Servable(folder).signatures


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
            [prediction_log_pb2.PredictionLog(regress_log={}).SerializeToString()],
            "UNIMPLEMENTED",
            "Unsupported log_type for warmup: regress_log",
            id="other kind",
        ),
        pytest.param([b"\xff"], "DATA_LOSS", "cannot read the warm-up requests", id="no log"),
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
        Servable(folder)
    assert caught.value.code.name == code
    assert message in caught.value.message


def test_a_torn_file_fails_the_load(push):
    folder = push("tiny", 1)
    path = write_records(folder, [predict_log(a=[[1.0, 2.0]], b=["x"])])
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(StatusError, match="cannot read the warm-up requests"):
        Servable(folder)
