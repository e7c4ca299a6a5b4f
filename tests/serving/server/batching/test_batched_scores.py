"""An exported model of ours gives merged requests the scores that they get alone."""

import concurrent.futures

import numpy as np
import pytest
import tensorflow as tf

from models.calibration import Decision, Temperature
from models.config import ModelConfig
from models.export import ServedModel, export
from models.networks import classifier
from models.scoring import NetworkScorer
from models.transform import label_only
from serving.server.batching.parameters import BatchingParameters
from serving.server.batching.server_batching import ServerBatching
from serving.server.servables import Servable, warmup
from tests.models.conftest import encode, portrait

TRACK_LENGTH = 4


@pytest.fixture(scope="module")
def exported(tiny_backbone, tmp_path_factory):
    config = ModelConfig(model=tiny_backbone, image_size=32, weights=None)
    network = classifier.build(config, "float32", weights=None)
    last = network.head.get_layer("logit")
    last.set_weights([np.random.default_rng(0).normal(0, 9, (8, 1)), np.zeros(1)])
    served = ServedModel(
        NetworkScorer(network),
        Decision(Temperature(temperature=1.0), real_below=0.4, fake_above=0.6),
        track_length=TRACK_LENGTH,
        transform=label_only,
    )
    folder = tmp_path_factory.mktemp("exported")
    export(served, str(folder), name="tiny", card={})
    (folder / warmup.PATH).unlink()  # takes longer than the rest
    return folder


def track(*faces):
    return [*faces, *[b""] * (TRACK_LENGTH - len(faces))]


FACES = [encode(portrait(48, tint=12 * number, shift=5 * number)) for number in range(8)]
REQUESTS = {
    "one short track": [track(FACES[0])],
    "two tracks": [track(*FACES[1:5]), track(FACES[5])],
    "an unreadable face beside a readable track": [track(FACES[6], b"text"), track(FACES[7])],
    "padding alone": [track()],
    "the first again": [track(FACES[0])],
}


def ask(servable, tracks):
    inputs = {"faces": tf.make_tensor_proto(np.array(tracks, object), tf.string)}
    outputs = servable.predict("serving_tracks", inputs)
    return {name: tf.make_ndarray(value) for name, value in outputs.items()}


@pytest.fixture(scope="module")
def alone(exported):
    servable = Servable(exported)
    return {name: ask(servable, tracks) for name, tracks in REQUESTS.items()}


@pytest.mark.parametrize("sizes", [pytest.param((), id="as is"), pytest.param((16,), id="filled")])
def test_merged_requests_keep_their_scores(exported, alone, wait_until, sizes):
    assert len({float(answer["fake_probability"][0]) for answer in alone.values()}) > 3
    batching = ServerBatching(
        BatchingParameters(max_batch_size=16, num_batch_threads=1, allowed_batch_sizes=sizes)
    )
    servable = Servable(exported, batching)
    function = servable._function("serving_tracks", list(alone["padding alone"]))
    rows = []
    run = function._function
    function._function = lambda arrays: (rows.append(len(arrays[0])), run(arrays))[1]
    batching.scheduler._free -= 1  # as if a batch ran
    with concurrent.futures.ThreadPoolExecutor(len(REQUESTS)) as pool:
        futures = {name: pool.submit(ask, servable, tracks) for name, tracks in REQUESTS.items()}
        enqueued = function._queue._enqueued
        wait_until(lambda: sum(len(batch.tasks) for batch in enqueued) == len(REQUESTS))
        batching.scheduler.end_turn()
    assert rows == [16 if sizes else sum(map(len, REQUESTS.values()))]
    for name, answer in futures.items():
        outputs = answer.result()
        assert outputs.pop("scope").tolist() == alone[name]["scope"].tolist()
        for output, values in outputs.items():
            np.testing.assert_allclose(
                values, alone[name][output], rtol=1e-5, err_msg=f"{name}: {output}"
            )
