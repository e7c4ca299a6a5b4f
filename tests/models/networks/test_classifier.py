import keras
import numpy as np
import pytest
import tensorflow as tf

from models.config import ModelConfig
from models.networks import classifier


@pytest.fixture(params=["frame", "lstm"])
def config(request, tiny_backbone):
    return make_config(tiny_backbone, request.param)


def make_config(name, head):
    return ModelConfig(
        model=name, image_size=32, weights=None, dropout=0.5, head=head, lstm_units=8
    )


@pytest.fixture
def faces():
    return np.random.default_rng(0).uniform(0, 255, (5, 32, 32, 3)).astype(np.float32)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_logits_are_float32_whatever_the_policy(config, faces, policy):
    network = classifier.build(config, policy, weights=None)
    features = network.features(faces)
    logits = network.face_logits(features)
    assert logits.shape == (5,)
    assert features.dtype == logits.dtype == "float32"
    assert {layer.compute_dtype for layer in network.head.layers[1:]} <= {"float32", "bool"}
    assert network.backbone.layers[-1].compute_dtype == policy.removeprefix("mixed_")


def test_the_policy_is_restored(config):
    before = keras.config.dtype_policy().name
    classifier.build(config, "mixed_bfloat16", weights=None)
    assert keras.config.dtype_policy().name == before


def test_the_float32_copy_has_the_same_weights(config, faces):
    network = classifier.build(config, "mixed_bfloat16", weights=None)
    network.set_weights([w + 0.01 for w in network.get_weights()])
    copy = classifier.in_float32(network)
    assert {layer.compute_dtype for layer in copy.backbone._flatten_layers()} == {"float32"}
    # bfloat16 keeps 8 bits.
    one, other = (n.face_logits(n.features(faces)) for n in (copy, network))
    np.testing.assert_allclose(one, other, rtol=0.03, atol=0.01)
    for ours, theirs in zip(network.get_weights(), copy.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_seed_decides_the_weights(config):
    first, second = (classifier.build(config, "float32", weights=None) for _ in range(2))
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("training", [False, True])
def test_padding_changes_no_score(config, faces, training):
    network = classifier.build(config.model_copy(update={"dropout": 0.0}), "float32", weights=None)
    used = np.array([[True, True, True], [True, False, False], [True, False, False]])
    images = np.zeros((3, 3, 32, 32, 3), np.float32)
    images[used] = faces
    other_padding = np.where(used[..., None, None, None], images, 77.0).astype(np.float32)
    expected = network(images, tf.constant(used), training=training)
    logits = network(other_padding, tf.constant(used), training=training)
    # Batch normalisation sees no padding in training either.
    np.testing.assert_allclose(logits, expected, atol=1e-6)
    if not training:
        longer = np.pad(images, [(0, 0), (0, 4), (0, 0), (0, 0), (0, 0)])
        logits = network(longer, tf.constant(np.pad(used, [(0, 0), (0, 4)])), training=False)
        np.testing.assert_allclose(logits, expected, atol=1e-6)
        alone = network(images[1:2, :1], tf.constant(used[1:2, :1]), training=False)
        np.testing.assert_allclose(alone, expected[1:2], atol=1e-6)


def test_the_order_of_time_matters_to_a_sequence_only(tiny_backbone, faces):
    for head, matters in (("frame", False), ("lstm", True)):
        network = classifier.build(make_config(tiny_backbone, head), "float32", weights=None)
        features, segments = network.features(faces), tf.zeros(5, tf.int32)
        forwards = network.track_logits(features, segments, 1)
        backwards = network.track_logits(features[::-1], segments, 1)
        assert bool(np.abs(forwards - backwards).max() > 1e-4) is matters


def test_tracks_may_be_mixed_and_empty(config, faces):
    network = classifier.build(config, "float32", weights=None)
    features = network.features(faces)
    mixed = network.track_logits(features, tf.constant([2, 0, 2, 0, 2]), 3)
    first = network.track_logits(tf.gather(features, [1, 3]), tf.constant([0, 0]), 1)
    last = network.track_logits(tf.gather(features, [0, 2, 4]), tf.constant([0, 0, 0]), 1)
    np.testing.assert_allclose([mixed[0], mixed[2]], [first[0], last[0]], atol=1e-6)
    assert np.isnan(mixed[1])


@pytest.mark.parametrize("how", ["mean", "max", "confident_mean"])
def test_tracks_are_pooled_as_the_config_says(tiny_backbone, faces, how):
    config = make_config(tiny_backbone, "frame").model_copy(update={"pooling": how})
    network = classifier.build(config, "float32", weights=None)
    last = network.head.get_layer("logit")
    features = network.features(np.repeat(faces, [1, 1, 1, 1, 16], axis=0))
    # The repeated one is confidently fake.
    shift = 3.0 - float(network.face_logits(features)[-1])
    last.set_weights([last.get_weights()[0], np.array([shift])])
    logits = network.face_logits(features).numpy()
    logits_of_fakes = logits[logits > np.log(4)]
    expected = {
        "mean": logits.mean(),
        "max": logits.max(),
        "confident_mean": logits_of_fakes.mean(),
    }
    pooled = float(network.track_logits(features, tf.zeros(20, tf.int32), 1)[0])
    assert pooled == pytest.approx(expected[how], abs=1e-4)
    assert len({round(float(value), 3) for value in expected.values()}) >= 2


def test_a_lone_face_is_a_track_of_one(config, faces):
    network = classifier.build(config, "float32", weights=None)
    features = network.features(faces)
    as_tracks = network.track_logits(features, tf.range(5), 5)
    np.testing.assert_allclose(network.face_logits(features), as_tracks, atol=1e-6)


def test_the_head_is_the_last_of_the_weights(config):
    network = classifier.build(config, "float32", weights=None)
    weights = network.get_weights()
    weights[-1] = weights[-1] + 3.0  # the bias of the logit
    network.set_weights(weights)
    assert float(network.head.get_layer("logit").bias[0]) == 3.0
