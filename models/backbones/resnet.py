"""ResNet-50 and ResNet-152, first version, from keras.applications.

He et al., "Deep Residual Learning for Image Recognition" (CVPR 2016),
https://arxiv.org/abs/1512.03385. BatchNormalization has `models.backbones.batch_norm.MOMENTUM`.
"""

from collections.abc import Callable

import keras

from models.backbones import batch_norm
from models.backbones import weights as backbone_weights

_RED_GREEN_BLUE_MEAN = (123.68, 116.779, 103.939)
"""Means of ImageNet's training images, 0 to 255; mode `caffe` of Keras' `preprocess_input`."""


def resnet50(image_size: int, weights: str | None) -> keras.Model:
    """ResNet-50 without its top; see `models.backbones.registry.build`."""
    return _build(keras.applications.ResNet50, "resnet50", image_size, weights)


def resnet152(image_size: int, weights: str | None) -> keras.Model:
    """ResNet-152 without its top; see `models.backbones.registry.build`."""
    return _build(keras.applications.ResNet152, "resnet152", image_size, weights)


def _build(
    architecture: Callable[..., keras.Model], name: str, image_size: int, weights: str | None
) -> keras.Model:
    shape = (image_size, image_size, 3)

    def network_with(weights: str | None) -> keras.Model:
        return architecture(include_top=False, weights=weights, input_shape=shape)

    network = network_with(None)
    backbone_weights.load(network, weights, name, lambda: network_with("imagenet"))
    batch_norm.set_momentum(network)

    images = keras.Input(shape, name="images")
    # The published weights come from Caffe: blue first, centred, not scaled.
    centred = keras.layers.Rescaling(
        1.0, offset=[-mean for mean in _RED_GREEN_BLUE_MEAN], dtype="float32", name="centre"
    )(images)
    blue_first = keras.ops.flip(centred, axis=-1)
    features = keras.layers.GlobalAveragePooling2D(name="pool")(network(blue_first))
    return keras.Model(images, features, name=name)
