"""A model with every type of input and output, and a REST server for it."""

import contextlib
import functools
import pathlib
import tempfile
import threading
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, predict_pb2, regression_pb2

from serving.server.admission import AdmissionControl, Capacity, Health
from serving.server.api import Api
from serving.server.core import RootSource
from serving.server.core.server_core import ServerCore
from serving.server.rest_api import RestApp, RestServer
from serving.server.servables import Servable

TYPES = {
    "float": tf.float32,
    "double": tf.float64,
    "int8": tf.int8,
    "int16": tf.int16,
    "int32": tf.int32,
    "int64": tf.int64,
    "uint8": tf.uint8,
    "uint32": tf.uint32,
    "uint64": tf.uint64,
    "bool": tf.bool,
    "string": tf.string,
}
MODEL = "zoo"


def spec(dtype, shape=None, name=None):
    return tf.TensorSpec(shape, dtype, name)


class Zoo(tf.Module):
    """Returns its inputs; `regress` is x / 2 + 2."""

    def save(self, folder: pathlib.Path) -> None:
        signatures = {
            name: tf.function(lambda x: {"y": tf.identity(x)}).get_concrete_function(
                spec(dtype, name="x")
            )
            for name, dtype in TYPES.items()
        }
        signatures["serving_default"] = self.half_plus_two.get_concrete_function()
        signatures |= {
            name: getattr(self, name).get_concrete_function()
            for name in (
                "two",
                "string_bytes",
                "ragged_batch",
                "scalar",
                "half",
                "classify",
                "regress",
            )
        }
        tf.saved_model.save(self, str(folder), signatures=signatures)

    @tf.function(input_signature=[spec(tf.float32, name="x")])
    def half_plus_two(self, x):
        return {"y": x / 2 + 2}

    @tf.function(input_signature=[spec(tf.int32, name="a"), spec(tf.string, name="b")])
    def two(self, a, b):
        return {"a": tf.identity(a), "b_bytes": tf.identity(b)}

    @tf.function(input_signature=[spec(tf.string, name="x")])
    def string_bytes(self, x):
        return {"y_bytes": tf.identity(x)}

    @tf.function(input_signature=[spec(tf.int32, [None], name="x")])
    def ragged_batch(self, x):
        return {"y": x, "z": tf.concat([x, x], 0)}

    @tf.function(input_signature=[spec(tf.int32, [None], name="x")])
    def scalar(self, x):
        return {"y": tf.reduce_sum(x)}

    @tf.function(input_signature=[spec(tf.float16, [None], name="x")])
    def half(self, x):
        return {"y": tf.identity(x)}

    @tf.function(input_signature=[spec(tf.string, [None], name="examples")])
    def classify(self, examples):
        x = self._x(examples)
        return {"classes": tf.constant(["é", '"']), "scores": tf.stack([x, 1 - x], 1)}

    @tf.function(input_signature=[spec(tf.string, [None], name="examples")])
    def regress(self, examples):
        return {"outputs": self._x(examples) / 2 + 2}

    def _x(self, examples):
        features = {"x": tf.io.FixedLenFeature([], tf.float32)}
        return tf.io.parse_example(examples, features)["x"]


class ExamplesApi(Api):
    """Classifies and regresses by the signatures of these names."""

    def _run(self, request):
        predict = predict_pb2.PredictRequest(model_spec=request.model_spec)
        with_context = request.input.example_list_with_context
        serialized = [
            with_context.context.SerializeToString() + example.SerializeToString()
            for example in [*request.input.example_list.examples, *with_context.examples]
        ]
        predict.inputs["examples"].CopyFrom(tf.make_tensor_proto(serialized, tf.string))
        outputs = self.predict(predict).outputs
        return {name: tf.make_ndarray(value) for name, value in outputs.items()}

    def classify(self, request):
        outputs = self._run(request)
        response = classification_pb2.ClassificationResponse()
        for scores in outputs["scores"]:
            classes = response.result.classifications.add()
            for label, score in zip(outputs["classes"], scores, strict=True):
                classes.classes.add(label=label.decode(), score=score)
        return response

    def regress(self, request):
        response = regression_pb2.RegressionResponse()
        for value in np.ravel(self._run(request)["outputs"]):
            response.result.regressions.add(value=value)
        return response


class GatedApi(ExamplesApi):
    """Predicts once `gate` is open; `waiting` counts the requests before it."""

    def __init__(self, core):
        super().__init__(core)
        self.gate = threading.Event()
        self.waiting = 0

    def predict(self, request):
        self.waiting += 1
        assert self.gate.wait(60)
        return super().predict(request)


def make_api(kind: type[ExamplesApi] = ExamplesApi) -> ExamplesApi:
    """Asks the model, loaded once as version 1."""
    return kind(_core())


@functools.cache
def _core() -> ServerCore:
    with tempfile.TemporaryDirectory() as folder:
        core = ServerCore(Servable, RootSource(pathlib.Path(folder)))
        Zoo().save(pathlib.Path(folder, MODEL, "1"))
        core.poll()
        core.wait_for_loads()
    return core


def make_server(api: Api, port=0, tls=None, capacity=1024, **options) -> RestServer:
    """A server that admits every request; `options` are those of the app."""
    health = Health()
    health.serve()
    app = RestApp(api, AdmissionControl(health, Capacity(capacity)), **options)
    return RestServer(app, port=port, tls=tls)


@contextlib.contextmanager
def serve(api: Api | None = None, **options) -> Iterator[str]:
    """Serves over REST; gives the address of the model."""
    server = make_server(api or make_api(), **options)
    server.start()
    try:
        yield f"http://127.0.0.1:{server.port}/v1/models/{MODEL}"
    finally:
        server.stop(grace_s=5.0)
