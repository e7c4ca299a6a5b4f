import numpy as np
import pytest
import tensorflow as tf

from models.config import ModelConfig
from models.ensembles.combination import Stacked
from models.ensembles.ensemble_scorer import EnsembleScorer
from models.networks import classifier
from models.scoring import NetworkScorer
from tests.models import tiny_served


@pytest.fixture(scope="module")
def members(network, tiny_backbone):
    """Two networks of different input sizes and heads."""
    config = ModelConfig(
        model=tiny_backbone, image_size=48, weights=None, head="lstm", lstm_units=4, seed=1
    )
    other = classifier.build(config, "float32", weights=None)
    return [NetworkScorer(network), NetworkScorer(other)]


@pytest.fixture(scope="module")
def scorer(members):
    return EnsembleScorer(members, Stacked((0.25, 0.75), 1.0))


def combined(logits):
    return 0.25 * logits[0] + 0.75 * logits[1] + 1.0


def test_features_are_those_of_all_members(scorer, members):
    _, encoded = tiny_served.faces(3)
    faces = tf.constant([*encoded, b"hello"])
    features, readable = scorer.embed(faces)
    assert features.shape == (4, scorer.width)
    assert scorer.width == sum(member.width for member in members)
    assert readable.numpy().tolist() == [True, True, True, False]
    expected = np.concatenate([member.embed(faces)[0] for member in members], axis=1)
    np.testing.assert_array_equal(features[:3], expected[:3])


def test_logits_are_the_members_combined(scorer, members):
    _, encoded = tiny_served.faces(5)
    faces = tf.constant(encoded)
    features, _ = scorer.embed(faces)
    own = [member.embed(faces)[0] for member in members]
    faces_alone = [m.face_logits(part) for m, part in zip(members, own, strict=True)]
    np.testing.assert_allclose(
        scorer.face_logits(features), combined(np.stack(faces_alone)), rtol=1e-5
    )
    segments, count = tf.constant([0, 0, 0, 1, 1]), tf.constant(2)
    tracks = [m.track_logits(part, segments, count) for m, part in zip(members, own, strict=True)]
    np.testing.assert_allclose(
        scorer.track_logits(features, segments, count), combined(np.stack(tracks)), rtol=1e-5
    )
