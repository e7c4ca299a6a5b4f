import numpy as np
import pytest
import tensorflow as tf

from models.config import ModelConfig
from models.networks import classifier
from models.scoring.scorer import NetworkScorer
from tests.models.conftest import encode, portrait

SIZE = 32


@pytest.fixture(params=["frame", "lstm"])
def network(request, tiny_backbone):
    config = ModelConfig(
        model=tiny_backbone, image_size=SIZE, weights=None, head=request.param, lstm_units=4
    )
    return classifier.build(config, "float32", weights=None)


@pytest.fixture(scope="module")
def faces():
    """Three faces of the network's size, float32 [3, 32, 32, 3]."""
    return np.stack([portrait(SIZE, shift=9 * number) for number in range(3)]).astype(np.float32)


def test_features_of_readable_faces_are_the_networks(network, faces):
    first, second, third = (encode(face.astype(np.uint8), "PNG") for face in faces)
    scorer = NetworkScorer(network)
    features, readable = scorer.embed(tf.constant([first, second[:50], third]))
    np.testing.assert_array_equal(readable, [True, False, True])
    assert features.shape == (3, scorer.width)
    np.testing.assert_allclose(features[::2], network.features(faces[::2]), rtol=1e-5, atol=1e-6)


def test_scores_are_the_networks_also_after_further_training(network, faces):
    scorer = NetworkScorer(network)
    segments, count = tf.constant([0, 1, 0]), tf.constant(2)
    for scale in (1.0, 2.0):
        network.set_weights([scale * weight for weight in network.get_weights()])
        features = scorer.features(faces)
        np.testing.assert_allclose(features, network.features(faces), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(
            scorer.face_logits(features), network.face_logits(features), rtol=1e-5, atol=1e-6
        )
        np.testing.assert_allclose(
            scorer.track_logits(features, segments, count),
            network.track_logits(features, segments, count),
            rtol=1e-5,
            atol=1e-6,
        )
