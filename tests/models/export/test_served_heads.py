"""Every head and pooling scores exported as it does in Keras, and padding changes nothing."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit

from models.calibration import Temperature
from models.config import ModelConfig
from models.export.saved_model import export
from models.export.served_model import ServedModel
from models.networks import classifier
from models.scoring import NetworkScorer
from models.transform import label_only
from tests.models import tiny_served

pytestmark = pytest.mark.slow

HEADS = {
    "lstm": {"head": "lstm", "lstm_units": 4},
    "max": {"pooling": "max"},
    "confident_mean": {"pooling": "confident_mean"},
}
TRACK_LENGTH = 16


@pytest.fixture(scope="module", params=HEADS)
def network(request, tiny_backbone):
    """All but three of a track's faces are confidently fake, in which `confident_mean` believes."""
    config = ModelConfig(
        model=tiny_backbone, image_size=tiny_served.SIZE, weights=None, **HEADS[request.param]
    )
    network = classifier.build(config, "float32", weights=None)
    last = network.head.get_layer("logit")
    kernel, bias = last.get_weights()
    logits = np.sort(tiny_served.logit(network, tiny_served.faces(TRACK_LENGTH)[0]))
    wider = 2.0 / logits.std()
    last.set_weights([kernel * wider, bias - logits[3] * wider + 2.0])
    return network


@pytest.fixture(scope="module")
def signatures(network, tmp_path_factory):
    served = ServedModel(
        NetworkScorer(network),
        tiny_served.decision_of(Temperature(temperature=1.0), (0.4, 0.6)),
        track_length=TRACK_LENGTH,
        transform=label_only,
    )
    folder = str(tmp_path_factory.mktemp("saved"))
    export(served, folder, name="tiny", card={})
    loaded = tf.saved_model.load(folder)
    return loaded.signatures


def track_probability(network, pixels):
    features = network.features(np.asarray(pixels, np.float32))
    logits = network.track_logits(features, tf.zeros(len(pixels), tf.int32), 1)
    return expit(logits.numpy().astype(float))[0]


def row(encoded, places):
    padded = np.full(TRACK_LENGTH, b"", object)
    padded[list(places)] = encoded
    return padded


def test_tracks_score_as_in_keras_wherever_they_are_padded(network, signatures):
    pixels, encoded = tiny_served.faces(TRACK_LENGTH)
    rows = [
        row(encoded, range(TRACK_LENGTH)),
        row(encoded[4:7], range(3)),
        row(encoded[4:7], (1, 8, 15)),
        row([], []),
        row(encoded[:1], [0]),
    ]
    answer = signatures["serving_tracks"](faces=tf.constant(np.stack(rows)))
    expected = [
        track_probability(network, pixels),
        *[track_probability(network, pixels[4:7])] * 2,
        np.nan,
        track_probability(network, pixels[:1]),
    ]
    np.testing.assert_allclose(answer["fake_probability"], expected, atol=1e-6)
    # Pooled otherwise, the whole track would score otherwise.
    features = network.features(pixels.astype(np.float32))
    mean = expit(network.face_logits(features).numpy().astype(float).mean())
    assert abs(mean - expected[0]) > 1e-3
    none = signatures["serving_tracks"](faces=tf.fill([2, TRACK_LENGTH], ""))
    assert np.isnan(none["fake_probability"]).all()
    nothing = signatures["serving_tracks"](faces=tf.zeros([0, TRACK_LENGTH], tf.string))
    assert nothing["fake_probability"].shape == (0,)


def test_lone_faces_score_as_in_keras(network, signatures):
    pixels, encoded = tiny_served.faces(5)
    answer = signatures["serving_default"](faces=tf.constant(encoded))
    expected = [track_probability(network, pixels[i : i + 1]) for i in range(5)]
    np.testing.assert_allclose(answer["fake_probability"], expected, atol=1e-6)


def test_videos_score_as_in_keras(network, signatures):
    pixels, encoded = tiny_served.faces(9)
    video = tiny_served.example(encoded, [0, 0, 0, 1, 1, 1, 1, 2, 2])
    answer = signatures["serving_examples"](examples=tf.constant([video, video]))
    tracks = np.split(pixels, [3, 7])
    expected = max(track_probability(network, track) for track in tracks)
    np.testing.assert_allclose(answer["fake_probability"], [expected] * 2, atol=1e-6)
