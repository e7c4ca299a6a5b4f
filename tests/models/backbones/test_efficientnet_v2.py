import keras
import numpy as np

from models.backbones import efficientnet_v2


def test_images_are_prepared_as_the_published_weights_expect():
    network = efficientnet_v2.efficientnet_v2_b0(32, None)
    (scaling,) = (layer for layer in network.layers if isinstance(layer, keras.layers.Rescaling))
    prepare = keras.Model(network.input, scaling.output)
    # keras-cv's documentation: "inputs will be passed through a Rescaling(1/255.0) layer".
    black, white = prepare(np.stack([np.zeros((32, 32, 3)), np.full((32, 32, 3), 255.0)])).numpy()
    np.testing.assert_array_equal(black, 0.0)
    np.testing.assert_allclose(white, 1.0, rtol=1e-6)
