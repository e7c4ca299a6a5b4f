import subprocess
import sys

import keras
import pytest

from data.utils.errors import UsageError
from models.backbones import registry

pytestmark = pytest.mark.slow


def moving_statistics(blocks, width):
    """Means and variances of a ResNeXt's BatchNormalizations, by table 1 of its paper."""
    channels = 64
    for stage, count in enumerate(blocks):
        inside, outside = width * 2**stage, 256 * 2**stage
        channels += count * (2 * inside + outside) + outside  # and one shortcut's
    return 2 * channels


# Before other tests register one of their own.
SHIPPED = set(registry.BACKBONES)

# Published with their tops, of 1,000 classes (d * 1000 + 1000) or one output (16 + 1).
WIDTH_AND_PARAMETERS = {
    # keras-cv's documentation counts the backbone without a top.
    "efficientnet_v2_b0": (1280, 5_919_312),
    # keras.io/api/applications
    "xception": (2048, 22_910_480 - 2_049_000),
    "resnet50": (2048, 25_636_712 - 2_049_000),
    "resnet152": (2048, 60_419_944 - 2_049_000),
    # torchvision's documentation, which counts trainable parameters.
    "resnext50_32x4d": (2048, 25_028_904 - 2_049_000 + moving_statistics((3, 4, 6, 3), 128)),
    "resnext101_32x8d": (2048, 88_791_336 - 2_049_000 + moving_statistics((3, 4, 23, 3), 256)),
    # The authors' `model.summary()`.
    "meso4": (16, 28_073 - 17),
    "mesoinception4": (16, 28_725 - 17),
}


def test_every_backbone_is_tested_here():
    assert WIDTH_AND_PARAMETERS.keys() == SHIPPED


@pytest.mark.parametrize("name", WIDTH_AND_PARAMETERS)
def test_backbone(name):
    width, parameters = WIDTH_AND_PARAMETERS[name]
    entry = registry.find(name)
    # No stride divides 75. MesoNet's parameters depend on the size.
    size = entry.image_size if name.startswith("meso") else 75
    network = registry.build(name, size, None)
    assert network.count_params() == entry.parameters == parameters
    assert network.input_shape == (None, size, size, 3)
    assert network.output_shape == (None, width)
    momenta = {
        layer.momentum
        for layer in network._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    }
    assert momenta == {0.9}


# Of the published models: keras.io/api/applications, keras-cv's presets, torchvision's transforms
# and the crops of MesoNet's authors.
IMAGE_SIZES = {"xception": 299, "meso4": 256, "mesoinception4": 256}


@pytest.mark.parametrize("name", WIDTH_AND_PARAMETERS)
def test_sizes_papers_and_pretrained_weights(name):
    entry = registry.find(name)
    assert entry.image_size == IMAGE_SIZES.get(name, 224)
    assert entry.minimum_image_size <= entry.image_size
    assert "https://arxiv.org/abs/" in entry.paper
    assert (entry.pretrained is None) == name.startswith(("resnext", "meso"))


def test_unknown_name():
    with pytest.raises(UsageError, match=r"no model 'vgg'; choose one of efficientnet_v2_b0, meso"):
        registry.build("vgg", 96, None)


@pytest.mark.parametrize("name", ["resnext50_32x4d", "resnext101_32x8d", "meso4", "mesoinception4"])
def test_networks_without_imagenet_weights_say_so(name):
    message = rf"^{name}: there are no ImageNet weights .*\.h5 file.* null to train from scratch"
    with pytest.raises(UsageError, match=message):
        registry.build(name, 64, "imagenet")


@pytest.mark.parametrize("name", ["resnext50_32x4d", "resnet50", "meso4"])
def test_a_file_that_does_not_fit(name, tmp_path):
    path = tmp_path / "other.weights.h5"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save_weights(path)
    message = f"^{name}: .*does not hold this network's weights without its top"
    with pytest.raises(UsageError, match=message):
        registry.build(name, 64, str(path))


def test_importing_loads_no_framework():
    code = "import sys, models.backbones.registry; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"keras", "tensorflow", "numpy"} & set(loaded)
