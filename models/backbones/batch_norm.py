"""How fast BatchNormalization's moving statistics follow training."""

import keras

MOMENTUM = 0.9
"""Keras' 0.99 leaves the moving statistics far behind after a few hundred steps from scratch:
inference then differs wildly from training (measured on Xception: a test AUC of .651 with 0.99,
.967 with the same weights and statistics estimated anew). It is also what PyTorch's networks,
torchvision's ResNeXt among them, were published with (its `momentum` of 0.1)."""


def set_momentum(network: keras.Model) -> None:
    """Gives every BatchNormalization of a network `MOMENTUM`."""
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = MOMENTUM
