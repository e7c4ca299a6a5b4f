import keras
import numpy as np
import pytest

from models.backbones import mesonet
from models.config import ModelConfig
from models.networks import classifier
from tests.models.conftest import portrait

pytestmark = pytest.mark.slow

BUILDERS = {"meso4": mesonet.meso4, "mesoinception4": mesonet.mesoinception4}


@pytest.mark.parametrize(("name", "parameters"), [("meso4", 28_073), ("mesoinception4", 28_725)])
def test_parameters_with_the_last_layer(name, parameters):
    config = ModelConfig(model=name, image_size=256, weights=None, dropout=0.5)
    network = classifier.build(config, "float32", weights=None)
    assert network.backbone.count_params() + network.head.count_params() == parameters


@pytest.mark.parametrize("size", [32, 75, 224])
@pytest.mark.parametrize("name", BUILDERS)
def test_any_size_can_be_built(name, size):
    network = BUILDERS[name](size, None)
    assert network(np.zeros((1, size, size, 3), np.float32)).shape == (1, mesonet.FEATURES)


@pytest.mark.parametrize("name", BUILDERS)
def test_dropout_is_where_the_authors_have_it(name):
    config = ModelConfig(model=name, image_size=64, weights=None, dropout=0.5)
    network = classifier.build(config, "float32", weights=None)
    inside = [layer.name for layer in network.backbone.layers]
    assert inside[-4:] == ["flatten", "flatten_dropout", "dense_1", "features"]
    assert network.backbone.get_layer("flatten_dropout").rate == 0.5
    assert network.head.get_layer("dropout").rate == 0.5


@pytest.mark.parametrize("name", BUILDERS)
def test_layers_are_in_the_authors_order(name):
    network = BUILDERS[name](64, None)
    layers = [layer.name for layer in mesonet.weighted_layers(network)]
    convolutions = {"meso4": 4, "mesoinception4": 16}[name]
    assert layers == [
        *(f"convolution_{number}" for number in range(1, convolutions + 1)),
        *(f"norm_{number}" for number in range(1, 5)),
        "dense_1",
    ]


@pytest.mark.parametrize("name", BUILDERS)
def test_overfits_one_batch(name):
    config = ModelConfig(model=name, image_size=32, weights=None, dropout=0.0)
    network = classifier.build(config, "float32", weights=None)
    whole = keras.Sequential([network.backbone, network.head])
    faces = np.stack([portrait(32, shift=40 * number) for number in range(8)]).astype(np.float32)
    labels = np.array([0, 1, 1, 0, 1, 0, 0, 1], np.float32)
    whole.compile(
        keras.optimizers.Adam(3e-3),
        keras.losses.BinaryCrossentropy(from_logits=True),
        jit_compile=False,
    )
    for _ in range(300):
        whole.train_on_batch(faces, labels)
    probability = 1 / (1 + np.exp(-whole.predict_on_batch(faces)))
    np.testing.assert_allclose(probability, labels, atol=0.2)
