"""Requests that the batcher merges get the scores that they get alone.

TensorFlow Serving's batching joins requests along dimension 0 by the scheduler of TensorFlow's
`BatchFunction`, which runs here over a real exported model with the parameters of batching.config.
"""

import concurrent.futures
import threading

import numpy as np
import pytest
import tensorflow as tf

from models.calibration import Decision, Temperature
from models.config import ModelConfig
from models.export import ServedModel, export
from models.networks import classifier
from models.scoring import NetworkScorer
from models.transform import label_only
from tests.models.conftest import encode, portrait

pytestmark = pytest.mark.slow

WIDTH = 4


@pytest.fixture(scope="module")
def model(tiny_backbone, tmp_path_factory):
    network = classifier.build(
        ModelConfig(model=tiny_backbone, image_size=32, weights=None), "float32", weights=None
    )
    last = network.head.get_layer("logit")
    last.set_weights([np.random.default_rng(0).normal(0, 4, last.kernel.shape), np.zeros(1)])
    decision = Decision(Temperature(temperature=1.0), real_below=0.4, fake_above=0.6)
    served = ServedModel(NetworkScorer(network), decision, track_length=WIDTH, transform=label_only)
    folder = str(tmp_path_factory.mktemp("exported"))
    export(served, folder, name="tiny", card={})
    return tf.saved_model.load(folder)


@pytest.fixture
def signatures(model):  # which owns the variables of its functions, and must outlive them
    return model.signatures


def face(number):
    return encode(portrait(size=40, tint=15.0 * (number % 9 - 4), shift=7 * number))


def track(number):
    """One to four faces, then padding."""
    faces = [face(number + place) for place in range(1 + number % WIDTH)]
    return faces + [b""] * (WIDTH - len(faces))


# Rows by signature: good ones, one that is no picture, and for tracks one of padding alone.
ROWS = {
    "serving_default": [*(face(number) for number in range(11)), b"no picture"],
    "serving_tracks": [
        *(track(number) for number in range(10)),
        [face(0), b"no picture", b"", b""],
        [b""] * WIDTH,
    ],
}
REQUESTS = [(0, 1), (1, 3), (3, 6), (6, 7), (7, 11), (11, 12)]  # rows of each


def answer(function, rows):
    outputs = function(faces=tf.constant(rows, tf.string))
    return {name: value.numpy() for name, value in outputs.items()}


def merge(function, parameters):
    """The signature behind TensorFlow's scheduler; returns it and the sizes of its batches."""
    names = sorted(function.structured_outputs)
    sizes = []

    def note(rows):
        sizes.append(int(rows))

    @tf.nondifferentiable_batch_function(
        num_batch_threads=parameters.num_batch_threads.value,
        max_batch_size=parameters.max_batch_size.value,
        # Long enough that all requests meet, where the file waits for none.
        batch_timeout_micros=500_000,
        allowed_batch_sizes=list(parameters.allowed_batch_sizes),
        max_enqueued_batches=parameters.max_enqueued_batches.value,
    )
    def batched(faces):
        tf.numpy_function(note, [tf.shape(faces)[0]], [])
        outputs = function(faces=faces)
        return [outputs[name] for name in names]

    spec = function.structured_input_signature[1]["faces"]
    compiled = tf.function(lambda faces: batched(faces), input_signature=[spec])
    return lambda faces: dict(zip(names, compiled(faces), strict=True)), sizes


def assert_same(merged, alone):
    assert merged.keys() == alone.keys()
    for name, expected in alone.items():
        if name == "scope":
            assert merged[name].tolist() == expected.tolist()
        else:
            np.testing.assert_allclose(merged[name], expected, rtol=0, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("signature", ROWS)
def test_merged_by_the_scheduler(signatures, batching_config, signature):
    function = signatures[signature]
    requests = [ROWS[signature][start:end] for start, end in REQUESTS]
    alone = [answer(function, rows) for rows in requests]
    # Or the scores could be another request's without being noticed.
    good = np.concatenate([outputs["fake_probability"] for outputs in alone])[:10]
    assert len(set(good.round(4))) == len(good)

    batched, sizes = merge(function, batching_config)
    together = threading.Barrier(len(requests))

    def ask(rows):
        together.wait()
        return answer(batched, rows)

    with concurrent.futures.ThreadPoolExecutor(len(requests)) as pool:
        for merged, expected in zip(pool.map(ask, requests), alone, strict=True):
            assert_same(merged, expected)
    assert max(sizes) > max(end - start for start, end in REQUESTS)


@pytest.mark.parametrize("signature", ROWS)
def test_filled_up_with_copies_of_a_row(signatures, signature):
    """What TensorFlow Serving does to reach an allowed size, were fewer sizes allowed."""
    rows = ROWS[signature]
    filled = answer(signatures[signature], rows + rows[:1] * (16 - len(rows)))
    alone = answer(signatures[signature], rows)
    assert_same({name: value[: len(rows)] for name, value in filled.items()}, alone)


@pytest.mark.parametrize("signature", ROWS)
def test_rows_are_dimension_0_everywhere(signatures, signature):
    outputs = answer(signatures[signature], ROWS[signature])
    assert {len(value) for value in outputs.values()} == {len(ROWS[signature])}


def test_tracks_have_one_width(signatures):
    """So that requests can be merged without pad_variable_length_inputs."""
    spec = signatures["serving_tracks"].structured_input_signature[1]["faces"]
    assert spec.shape.as_list() == [None, WIDTH]
