import keras
import numpy as np
import pytest

from models.config import FineTuningConfig, ModelConfig
from models.networks import classifier
from models.training import fine_tuning


@pytest.fixture
def network(tiny_backbone):
    config = ModelConfig(model=tiny_backbone, image_size=32, weights=None)
    return classifier.build(config, "float32", weights=None)


ALL = ["Conv2D", "BatchNormalization", "Conv2D"]


@pytest.mark.parametrize(
    ("changes", "phase", "expected"),
    [
        pytest.param({}, 1, ALL, id="all"),
        pytest.param({}, 0, [], id="the head alone"),
        pytest.param({"trainable_layers": 0}, 1, [], id="no layer of the backbone"),
        pytest.param({"trainable_layers": 2}, 1, ["Conv2D"], id="last two: a pool and a conv"),
        pytest.param({"trainable_layers": 99}, 1, ALL, id="more"),
        pytest.param({"frozen_batch_norm": True}, 1, ["Conv2D", "Conv2D"], id="but batch norm"),
    ],
)
def test_what_learns(network, changes, phase, expected):
    fine_tuning.begin_phase(network, FineTuningConfig(**changes), phase)
    names = [type(layer).__name__ for layer in network.backbone.layers if layer.trainable_variables]
    assert names == expected
    assert len(network.head.trainable_variables) == 2


def test_batch_norm_that_does_not_learn_keeps_its_statistics(network):
    (norm,) = (
        layer
        for layer in network.backbone.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    )
    images = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype(np.float32)
    for phase, moves in ((0, False), (1, True)):
        fine_tuning.begin_phase(network, FineTuningConfig(head_steps=5), phase)
        before = norm.moving_mean.numpy()
        network.features(images, training=True)
        assert bool(np.any(norm.moving_mean.numpy() != before)) is moves


def test_batch_norm_inside_of_blocks_is_frozen_too():
    config = ModelConfig(model="efficientnet_v2_b0", image_size=32, weights=None)
    network = classifier.build(config, "float32", weights=None)

    def scales():
        return [v for v in network.trainable_variables if v.name in ("gamma", "beta")]

    assert len(scales()) > 100
    fine_tuning.begin_phase(network, FineTuningConfig(frozen_batch_norm=True), 1)
    assert scales() == []


def test_layers_of_nested_networks_are_counted_one_by_one():
    network = keras.applications.MobileNet(
        include_top=False, weights=None, input_shape=(32, 32, 3), alpha=0.25
    )
    inputs = keras.Input((32, 32, 3))
    nested = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(network(inputs)))
    layers = list(fine_tuning.layers(nested))
    assert layers[1:-1] == network.layers
    assert layers[-1] is nested.layers[-1]


def test_phases():
    config = FineTuningConfig(head_steps=3)
    assert [fine_tuning.phase(config, step) for step in range(5)] == [0, 0, 0, 1, 1]
    assert fine_tuning.phase(FineTuningConfig(), 0) == 1
