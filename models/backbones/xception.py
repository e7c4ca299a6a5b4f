"""Xception from keras.applications.

Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions" (CVPR 2017),
https://arxiv.org/abs/1610.02357; the baseline of FaceForensics++ (Rössler et al., ICCV 2019).
BatchNormalization has `models.backbones.batch_norm.MOMENTUM`.
"""

import keras

from models.backbones import batch_norm
from models.backbones import weights as backbone_weights


def xception(image_size: int, weights: str | None) -> keras.Model:
    """Xception without its top; see `models.backbones.registry.build`."""
    network = _network((image_size, image_size, 3), None)
    backbone_weights.load(
        network,
        weights,
        "xception",
        lambda: _network((image_size, image_size, 3), "imagenet"),
    )
    batch_norm.set_momentum(network)

    images = keras.Input((image_size, image_size, 3), name="images")
    # This network's input range in keras.applications is -1 to 1. Rescaled in float32, because
    # bfloat16 would round bright pixels to whole grey levels before they are centred.
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1.0, dtype="float32", name="rescale")(images)
    features = keras.layers.GlobalAveragePooling2D(name="pool")(network(scaled))
    return keras.Model(images, features, name="xception")


def _network(input_shape: tuple[int, int, int], weights: str | None) -> keras.Model:
    network: keras.Model = keras.applications.Xception(
        include_top=False, weights=weights, input_shape=input_shape
    )
    return network
