import keras
import numpy as np

from models.backbones import xception
from models.networks import classifier


def test_images_are_prepared_as_the_published_weights_expect():
    images = np.random.default_rng(0).uniform(0, 255, (2, 75, 75, 3)).astype(np.float32)
    published = keras.applications.Xception(
        include_top=False, weights=None, input_shape=(75, 75, 3), pooling="avg"
    )
    network = xception.xception(75, None)
    network.set_weights(published.get_weights())
    prepared = keras.applications.xception.preprocess_input(images.copy())
    np.testing.assert_allclose(network(images), published(prepared), rtol=1e-4, atol=1e-5)


def test_the_last_bits_of_an_image_survive_bfloat16():
    with classifier.dtype_policy("mixed_bfloat16"):
        network = xception.xception(75, None)
    assert network.get_layer("rescale").compute_dtype == "float32"
    assert network.get_layer("xception").layers[1].compute_dtype == "bfloat16"
