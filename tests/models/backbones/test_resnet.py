import keras
import numpy as np
import pytest

from models.backbones import resnet

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(0, 255, (2, 40, 40, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def published():
    """The network of keras.applications with its own pooling."""
    return keras.applications.ResNet50(
        include_top=False, weights=None, input_shape=(40, 40, 3), pooling="avg"
    )


def test_images_are_prepared_as_the_published_weights_expect(published, images):
    network = resnet.resnet50(40, None)
    network.set_weights(published.get_weights())
    prepared = keras.applications.resnet.preprocess_input(images.copy())
    np.testing.assert_allclose(network(images), published(prepared), rtol=1e-4, atol=1e-5)


def test_a_published_file_without_top_can_be_loaded(published, images, tmp_path):
    path = str(tmp_path / "notop.weights.h5")
    keras.Model(published.input, published.layers[-2].output).save_weights(path)
    network = resnet.resnet50(40, path)
    prepared = keras.applications.resnet.preprocess_input(images.copy())
    np.testing.assert_allclose(network(images), published(prepared), rtol=1e-4, atol=1e-5)


def test_resnet152_has_152_layers():
    network = resnet.resnet152(32, None).get_layer("resnet152")
    kernels = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    shortcuts = [layer for layer in kernels if layer.name.endswith("_0_conv")]
    assert len(kernels) - len(shortcuts) + 1 == 152  # the last is the top
