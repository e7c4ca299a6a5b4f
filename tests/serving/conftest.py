"""Tiny SavedModels with the signatures of a served model, and servers for them."""

import pathlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from serving.server.core import RetryPolicy
from serving.server.model_server import ModelServer

TRACK_WIDTH = 4
SCOPE = "knows grey □ squares"

_FACES = tf.TensorSpec([None], tf.string, name="faces")
_TRACKS = tf.TensorSpec([None, TRACK_WIDTH], tf.string, name="faces")
_A = tf.TensorSpec([None, 2], tf.float32, name="a")
_B = tf.TensorSpec([None], tf.string, name="b")


class TinyModel(tf.Module):
    """Scores a face by its mean brightness; fake above 0.6, real below 0.4.

    An undecodable face is unreadable in `serving_tracks` and an error in `serving_default`.
    Without a scope it is a model as unmask 0.1.0 exported it.
    """

    def __init__(self, version: float, scope: str | None = SCOPE) -> None:
        super().__init__()
        self.version = tf.Variable(version)
        self.scope = scope

    def _score(self, face: tf.Tensor) -> tf.Tensor:
        pixels = tf.cast(tf.io.decode_jpeg(face, channels=3), tf.float32)
        return tf.reduce_mean(pixels) / 255.0

    def _verdict(self, probability: tf.Tensor, readable: tf.Tensor) -> tf.Tensor:
        verdict = tf.where(probability > 0.6, 1, tf.where(probability < 0.4, 0, 2))
        return tf.cast(tf.where(readable, verdict, 3), tf.int64)

    @tf.function(input_signature=[_FACES])
    def serving_default(self, faces: tf.Tensor) -> dict[str, tf.Tensor]:
        probability = tf.map_fn(self._score, faces, fn_output_signature=tf.float32)
        return {
            "fake_probability": probability,
            "verdict": self._verdict(probability, tf.ones_like(probability, tf.bool)),
        }

    @tf.function(input_signature=[_TRACKS])
    def serving_tracks(self, faces: tf.Tensor) -> dict[str, tf.Tensor]:
        nan = tf.constant(float("nan"))

        def score(face: tf.Tensor) -> tf.Tensor:
            is_jpeg = tf.strings.substr(face, 0, 2) == b"\xff\xd8"
            return tf.cond(is_jpeg, lambda: self._score(face), lambda: nan)

        flat = tf.map_fn(score, tf.reshape(faces, [-1]), fn_output_signature=tf.float32)
        face_probability = tf.reshape(flat, [-1, TRACK_WIDTH])
        used = faces != ""
        total = tf.reduce_sum(tf.where(used, face_probability, 0.0), axis=1)
        probability = total / tf.reduce_sum(tf.cast(used, tf.float32), axis=1)
        readable = ~tf.math.is_nan(probability)
        outputs = {
            "fake_probability": probability,
            "face_probability": face_probability,
            "verdict": self._verdict(probability, readable),
        }
        if self.scope is not None:
            outputs["scope"] = tf.fill([tf.shape(faces)[0]], self.scope)
        return outputs

    @tf.function(input_signature=[_A, _B])
    def two_inputs(self, a: tf.Tensor, b: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"x": a * self.version, "y": tf.strings.join([b, "\0"])}

    @tf.function(input_signature=[_A])
    def product(self, a: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"product": tf.linalg.matmul(a, tf.ones([2, 3]))}

    @tf.function(input_signature=[_A])
    def slow(self, a: tf.Tensor) -> dict[str, tf.Tensor]:
        limit = tf.cast(a[0, 0], tf.int32)
        total = tf.while_loop(lambda i, _: i < limit, lambda i, x: (i + 1, tf.sin(x)), (0, a))[1]
        return {"total": total}

    def save(self, folder: pathlib.Path) -> None:
        tf.saved_model.save(
            self,
            str(folder),
            signatures={
                "serving_default": self.serving_default,
                "serving_tracks": self.serving_tracks,
                "two_inputs": self.two_inputs,
                "product": self.product,
                "slow": self.slow,
            },
        )


@pytest.fixture(scope="session")
def saved_models(tmp_path_factory: pytest.TempPathFactory) -> dict[int, pathlib.Path]:
    """SavedModels whose `two_inputs` multiplies by their number; the third states no scope."""
    folder = tmp_path_factory.mktemp("saved_models")
    for number, scope in ((1, SCOPE), (2, SCOPE), (3, None)):
        TinyModel(float(number), scope).save(folder / str(number))
    return {number: folder / str(number) for number in (1, 2, 3)}


@pytest.fixture
def push(
    saved_models: dict[int, pathlib.Path], tmp_path: pathlib.Path
) -> Callable[[str, int], pathlib.Path]:
    """Puts a version under `tmp_path/serving`, whole, as a pusher does."""
    root = tmp_path / "serving"
    root.mkdir()

    def put(name: str, version: int) -> pathlib.Path:
        folder = root / name / str(version)
        aside = root / name / f".{version}"
        shutil.copytree(saved_models[version], aside)
        aside.rename(folder)
        return folder

    return put


@pytest.fixture
def server(
    push: Callable[[str, int], pathlib.Path], tmp_path: pathlib.Path
) -> Iterator[ModelServer]:
    """A server of `tiny` version 1 that looks for new versions all the time."""
    push("tiny", 1)
    with ModelServer(
        tmp_path / "serving",
        rest_api_port=0,
        poll_interval_s=0.05,
        retry_policy=RetryPolicy(retries=0),
    ) as running:
        yield running


@pytest.fixture
def stub(server: ModelServer) -> Iterator[prediction_service_pb2_grpc.PredictionServiceStub]:
    with grpc.insecure_channel(server.target) as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture
def model_stub(server: ModelServer) -> Iterator[model_service_pb2_grpc.ModelServiceStub]:
    with grpc.insecure_channel(server.target) as channel:
        yield model_service_pb2_grpc.ModelServiceStub(channel)


@pytest.fixture(scope="session")
def wait_until() -> Callable[[Callable[[], bool]], None]:
    def wait(condition: Callable[[], bool]) -> None:
        give_up = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < give_up, "it never happened"
            threading.Event().wait(0.02)

    return wait


@pytest.fixture(scope="session")
def face_jpeg() -> Callable[[int], bytes]:
    """A grey square of a given brightness, 0 to 255, as JPEG."""

    def encode(brightness: int) -> bytes:
        pixels = tf.fill([16, 16, 3], tf.constant(brightness, tf.uint8))
        return tf.io.encode_jpeg(pixels, quality=95).numpy()

    return encode
