"""Crops sent or whole frames: the same answer of a real exported model."""

import asyncio
import gc

import keras
import numpy as np
import pytest
from skimage import data

from data.faces import FaceOptions
from data.ledger import Status
from data.video.reader import Frame
from models.calibration import Decision, Isotonic
from models.config import ModelConfig
from models.export import ServedModel, export
from models.networks import classifier
from models.scoring import NetworkScorer
from models.transform import label_only
from serving.client.async_client import AsyncClient
from serving.client.client import Client
from serving.server.model_server import ModelServer
from tests.serving.clips import write_frames

pytestmark = pytest.mark.slow

OPTIONS = FaceOptions(frames_per_video=6)
WIDTH = 4


class Refusing:
    """A client that sends whole frames searches none."""

    def detect(self, frames):
        raise AssertionError("frames were to be searched by the server")


@pytest.fixture(scope="module")
def meso_server(tmp_path_factory):
    """MesoNet with random weights, pooled by a rule that no client could know."""
    config = ModelConfig(
        model="meso4", image_size=64, weights=None, pooling="max", track_length=WIDTH
    )
    network = classifier.build(config, "float32", weights=None)
    network.head.get_layer("logit").set_weights(
        [np.random.default_rng(0).normal(0, 8, (16, 1)), np.zeros(1)]
    )
    calibrator = Isotonic(logits=(-3.0, 0.0, 1.0, 3.0), probabilities=(0.1, 0.4, 0.45, 0.9))
    served = ServedModel(
        NetworkScorer(network),
        Decision(calibrator, real_below=0.3, fake_above=0.5),
        track_length=WIDTH,
        transform=label_only,
    )
    root = tmp_path_factory.mktemp("serving")
    export(served, str(root / "meso" / "1"), name="meso", card={})
    with ModelServer(root, rest_api_port=0) as server:
        yield server
    keras.backend.clear_session()


@pytest.fixture(scope="module")
def two_people(tmp_path_factory):
    """Two faces that move, one of them mirrored and bluish."""
    portrait = data.astronaut()[:224, 112:336]
    other = (portrait[:, ::-1] * np.array([0.6, 0.8, 1.0])).astype(np.uint8)
    images = []
    for step in range(12):
        image = np.zeros((256, 512, 3), np.uint8)
        image[16 : 16 + 224, 2 * step : 2 * step + 224] = portrait
        image[8 + step : 8 + step + 224, 270 : 270 + 224] = other
        images.append(image)
    path = tmp_path_factory.mktemp("clips") / "two.mp4"
    write_frames(path, images)
    return path


def ask(target, path, ask, detector=None):
    with Client(target, "meso", ask=ask, detector=detector, options=OPTIONS) as client:
        return client.predict(path)


def ask_async(target, path, ask, detector=None):
    async def predict():
        async with AsyncClient(
            target, "meso", ask=ask, detector=detector, options=OPTIONS
        ) as client:
            return await client.predict(path)

    return asyncio.run(predict())


def test_both_payloads_give_the_same_answer(meso_server, two_people):
    by_tracks = ask(meso_server.target, two_people, "tracks")
    assert by_tracks.status is Status.OK
    assert [len(track.frames) for track in by_tracks.tracks] == [WIDTH, WIDTH]
    answers = [
        ask(meso_server.target, two_people, "frames", Refusing()),
        ask_async(meso_server.target, two_people, "frames", Refusing()),
        ask(f"http://{meso_server.rest_target}", two_people, "frames", Refusing()),
    ]
    assert answers[1:] == answers[:1] * 2
    by_frames = answers[0]
    assert by_frames.fake_probability == pytest.approx(by_tracks.fake_probability, abs=1e-5)
    assert by_frames.verdict is by_tracks.verdict
    for ours, theirs in zip(by_frames.tracks, by_tracks.tracks, strict=True):
        assert ours.verdict is theirs.verdict
        assert ours.fake_probability == pytest.approx(theirs.fake_probability, abs=1e-5)
        for frame, expected in zip(ours.frames, theirs.frames, strict=True):
            assert frame.time_s == expected.time_s
            np.testing.assert_allclose(frame.box, expected.box, atol=1e-2)


def test_frames_larger_than_a_model_takes_are_not_sent(meso_server):
    with Client(meso_server.target, "meso", ask="frames") as client:
        prediction = client.predict_stream([(0.0, np.zeros((1, 8193, 3), np.uint8))])
    assert prediction.status is Status.UNREADABLE
    assert prediction.reason.startswith("its frames have 8193 x 1 pixels; a served model takes")


def test_no_more_frames_are_held_than_go_into_a_request(meso_server, tmp_path):
    write_frames(tmp_path / "long.mp4", [np.zeros((48, 48, 3), np.uint8)] * 60)
    heard, living = [], []
    before = sum(type(thing) is Frame for thing in gc.get_objects())  # of other tests

    def measure(done, total):
        heard.append((done, total))
        living.append(sum(type(thing) is Frame for thing in gc.get_objects()))

    options = FaceOptions(every_nth_frame=1)
    with Client(meso_server.target, "meso", ask="frames", options=options) as client:
        prediction = client.predict(tmp_path / "long.mp4", measure)
    assert prediction.status is Status.NO_FACE
    assert heard == [(done, 60) for done in (8, 16, 24, 32, 40, 48, 56, 60)]
    assert max(living) - before <= 8 + 8 + 1  # of a request, and decoded ahead
