"""Pictures that are none, or claim to be huge, sent over the wire to a real exported model."""

import contextlib
import pathlib
import struct
import zlib

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from data.contract import VerdictCode
from models.calibration import Decision, Temperature
from models.config import ModelConfig
from models.export import ServedModel, export
from models.networks import classifier
from models.scoring import NetworkScorer
from models.transform import label_only
from serving.server.model_server import ModelServer
from tests.models.inputs.test_image_ops import JPEG, PNG, jpeg_claiming, png_claiming

pytestmark = pytest.mark.slow

SIDE = 30_000
ALLOWED_MIB = 256  # decoded, a picture of that size takes 2,575 MiB, and of 20,000 pixels 1,144


def chunk(kind, content):
    """A part of a PNG (PNG specification, 5.3)."""
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def black_png(side):
    """All there and small: one bit a pixel, which a decoder makes three bytes of."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1 + (side + 7) // 8) * side, 1)
    return PNG[:8] + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


HOSTILE = {
    "a PNG that TensorFlow would decode": black_png(20_000),
    "a huge JPEG": jpeg_claiming(SIDE, SIDE),
    "a huge PNG": png_claiming(SIDE, SIDE),
    "a JPEG cut off": JPEG[: len(JPEG) // 2],
    "a PNG cut off": PNG[: len(PNG) // 2],
    "text": b"no picture",
}


@pytest.fixture(scope="module")
def predict(tmp_path_factory):
    """Sends pictures to MesoNet with random weights; the outputs as arrays."""
    config = ModelConfig(model="meso4", image_size=64, weights=None)
    served = ServedModel(
        NetworkScorer(classifier.build(config, "float32", weights=None)),
        Decision(Temperature(temperature=1.0), real_below=0.3, fake_above=0.5),
        track_length=3,
        transform=label_only,
    )
    root = tmp_path_factory.mktemp("serving")
    export(served, str(root / "meso" / "1"), name="meso", card={})

    def ask(signature, **inputs):
        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = "meso", signature
        for name, values in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(values, tf.string))
        outputs = stub.Predict(request, timeout=60).outputs
        return {name: tf.make_ndarray(value) for name, value in outputs.items()}

    with ModelServer(root) as server, grpc.insecure_channel(server.target) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        yield ask


def peak_mib() -> float:
    """The most memory that was resident since it was last reset."""
    status = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


@contextlib.contextmanager
def flat_memory():
    """Fails if more than `ALLOWED_MIB` were taken meanwhile, even if they were given back."""
    reset = pathlib.Path("/proc/self/clear_refs")
    if not reset.exists():
        pytest.skip("this kernel does not let a process reset its peak of memory")
    reset.write_text("5")  # the peak is the present: proc(5)
    before = peak_mib()
    yield
    assert peak_mib() - before < ALLOWED_MIB


@pytest.mark.parametrize("picture", HOSTILE.values(), ids=list(HOSTILE))
def test_faces(predict, picture):
    alone = predict("serving_default", faces=[JPEG])["fake_probability"]
    with flat_memory():
        answer = predict("serving_default", faces=[picture, JPEG])
    assert answer["verdict"][0] == VerdictCode.UNREADABLE
    assert np.isnan(answer["fake_probability"][0])
    np.testing.assert_allclose(answer["fake_probability"][1:], alone, atol=1e-6)


@pytest.mark.parametrize("picture", HOSTILE.values(), ids=list(HOSTILE))
def test_tracks(predict, picture):
    with flat_memory():
        answer = predict("serving_tracks", faces=[[JPEG, picture, b""], [JPEG, b"", b""]])
    alone = predict("serving_tracks", faces=[[JPEG, b"", b""]])
    assert answer["verdict"][0] == VerdictCode.UNREADABLE  # nobody knows what it would have shown
    np.testing.assert_allclose(
        answer["fake_probability"], [np.nan, *alone["fake_probability"]], atol=1e-6
    )


@pytest.mark.parametrize("picture", HOSTILE.values(), ids=list(HOSTILE))
def test_frames(predict, picture):
    with flat_memory():
        answer = predict("serving_frames", frames=[picture, JPEG])
    assert all(np.isnan(values[0]).all() for values in answer.values())
