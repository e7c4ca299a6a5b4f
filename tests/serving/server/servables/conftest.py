import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_service_pb2_grpc

from serving.server.model_server import ModelServer


class TwoMethods(tf.Module):
    """Classification and regression as TensorFlow 2 writes them: `predict` by method name."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def classify(self, inputs):
        x = tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"]
        return {"classes": tf.strings.as_string(tf.cast(x, tf.int32)), "scores": x / 2.0}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def regress(self, inputs):
        x = tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"]
        return {"outputs": x / 2.0}


@pytest.fixture(scope="module")
def inference_stub(half_plus_two, tmp_path_factory):
    """Asks TensorFlow Serving's own test model, `default`, and `TwoMethods`, `modern`."""
    root = tmp_path_factory.mktemp("root")
    (root / "default").symlink_to(half_plus_two.parent)
    modern = TwoMethods()
    signatures = {"classify": modern.classify, "regress": modern.regress}
    tf.saved_model.save(modern, str(root / "modern" / "1"), signatures=signatures)
    with ModelServer(root) as server, grpc.insecure_channel(server.target) as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)
