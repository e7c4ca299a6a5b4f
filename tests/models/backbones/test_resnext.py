import keras
import numpy as np
import pytest

from models.backbones import resnext

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def network():
    return resnext.resnext50_32x4d(64, None)


@pytest.mark.parametrize(
    ("build", "parameters"),
    [
        # torchvision's documentation of its models.
        pytest.param(resnext.resnext50_32x4d, 25_028_904, id="resnext50_32x4d"),
        pytest.param(resnext.resnext101_32x8d, 88_791_336, id="resnext101_32x8d"),
    ],
)
def test_trainable_parameters_with_the_published_head(build, parameters):
    network = build(32, None)
    head = keras.layers.Dense(1000)
    head.build(network.output_shape)
    variables = network.trainable_variables + head.trainable_variables
    assert sum(np.prod(variable.shape) for variable in variables) == parameters


def test_kernels_have_the_papers_shapes(network):
    # Table 1 of the paper: 32 groups of 4, 8, 16 and 32 channels.
    kernels = [layer.kernel.shape for layer in network.layers if layer.name.endswith("_grouped")]
    expected = [(3, 3, 4, 128)] * 3 + [(3, 3, 8, 256)] * 4
    expected += [(3, 3, 16, 512)] * 6 + [(3, 3, 32, 1024)] * 3
    assert kernels == expected


def test_strides_are_where_torchvision_has_them(network):
    sides = {
        name: network.get_layer(name).output.shape[1:]
        for name in ("stem", "stem_pool", "stage1_block3_relu", "stage2_block1_narrow")
    }
    assert sides == {
        "stem": (32, 32, 64),
        "stem_pool": (16, 16, 64),
        "stage1_block3_relu": (16, 16, 256),
        "stage2_block1_narrow": (16, 16, 256),
    }
    assert network.get_layer("stage4_block3_relu").output.shape[1:] == (2, 2, 2048)


def test_images_are_normalised_as_torchvisions(network):
    normalised = keras.Model(network.input, network.get_layer("normalise").output)
    black, white = normalised(np.stack([np.zeros((64, 64, 3)), np.full((64, 64, 3), 255.0)]))
    # The bounds that torchvision's Normalize gives.
    np.testing.assert_allclose(black[0, 0], [-2.1179, -2.0357, -1.8044], atol=1e-4)
    np.testing.assert_allclose(white[0, 0], [2.2489, 2.4286, 2.6400], atol=1e-4)


def test_the_last_bits_of_an_image_survive_bfloat16():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = resnext.resnext50_32x4d(32, None)
    finally:
        keras.config.set_dtype_policy("float32")
    assert network.get_layer("normalise").compute_dtype == "float32"
    assert network.get_layer("stage1_block1_grouped").compute_dtype == "bfloat16"


def test_weights_file(network, tmp_path):
    path = str(tmp_path / "resnext.weights.h5")
    network.save_weights(path)
    images = np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
    np.testing.assert_array_equal(resnext.resnext50_32x4d(64, path)(images), network(images))
