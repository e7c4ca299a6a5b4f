"""What the real TensorFlow Serving is started with starts our server too."""

import socket

import grpc
import httpx
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving.server import flags
from serving.server.server import Server
from tests.serving.conftest import TinyModel
from tests.serving.deploy.conftest import DEPLOY, read_yaml

FOLDER = "/etc/tensorflow_serving"


def test_the_same_flags_and_files_start_our_server(tmp_path):
    TinyModel(1.0).save(tmp_path / "models" / "xception" / "1")
    files = DEPLOY / "tensorflow_serving"
    models = (files / "models.config").read_text()
    (tmp_path / "models.config").write_text(models.replace("/models", f"{tmp_path}/models"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        rest_port = free.getsockname()[1]
    arguments = [
        flag.replace(f"{FOLDER}/models.config", f"{tmp_path}/models.config")
        .replace(FOLDER, str(files))
        .replace("--port=8500", "--port=0")
        .replace("8501", str(rest_port))
        for flag in read_yaml("compose.yaml")["services"]["tensorflow-serving"]["command"]
    ]
    with Server(flags.build_options(flags.parse(arguments))) as server:
        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = "xception", "product"
        request.inputs["a"].CopyFrom(tf.make_tensor_proto([[1.0, 1.0]]))
        with grpc.insecure_channel(server.target.replace("0.0.0.0", "127.0.0.1")) as channel:
            answer = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request)
        assert list(answer.outputs["product"].float_val) == [2.0, 2.0, 2.0]
        url = f"http://127.0.0.1:{rest_port}"
        page = httpx.get(f"{url}/monitoring/prometheus/metrics").text
        assert ':tensorflow:serving:request_count{model_name="xception",status="OK"} 1' in page
