import keras
import numpy as np
import pytest

from models import classifier
from models.config import ModelConfig


@pytest.fixture
def config(tiny_backbone):
    return ModelConfig(name=tiny_backbone, image_size=32, weights=None, dropout=0.5)


@pytest.fixture
def faces():
    return np.random.default_rng(0).uniform(0, 255, (5, 32, 32, 3)).astype(np.float32)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_logits_are_float32_whatever_the_policy(config, faces, policy):
    network = classifier.build(config, policy, weights=None)
    logits = network(faces)
    assert logits.shape == (5,)
    assert logits.dtype == "float32"
    assert network.get_layer("logit").compute_dtype == "float32"
    assert network.layers[1].layers[-1].compute_dtype == policy.removeprefix("mixed_")


def test_the_policy_is_put_back(config):
    before = keras.config.dtype_policy().name
    classifier.build(config, "mixed_bfloat16", weights=None)
    assert keras.config.dtype_policy().name == before


def test_the_float32_copy_has_the_same_weights(config, faces):
    network = classifier.build(config, "mixed_bfloat16", weights=None)
    network.set_weights([w + 0.01 for w in network.get_weights()])
    copy = classifier.in_float32(network, config)
    assert {layer.compute_dtype for layer in copy._flatten_layers()} == {"float32"}
    # bfloat16 keeps 8 bits.
    np.testing.assert_allclose(copy(faces), network(faces), rtol=0.03, atol=0.01)
    for one, other in zip(network.get_weights(), copy.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_seed_decides_the_weights(config):
    first, second = (classifier.build(config, "float32", weights=None) for _ in range(2))
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
