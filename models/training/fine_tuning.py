"""Which layers of a pretrained network are trained at a step."""

from collections.abc import Iterator

import keras

from models.config import FineTuningConfig
from models.networks import Classifier


def phase(config: FineTuningConfig, step: int) -> int:
    """Phase of a step: 0 while the head alone is trained, then 1.

    Args:
        config: how many steps the first phase has.
        step: from 0.

    Example:
        >>> [phase(FineTuningConfig(head_steps=2), step) for step in range(4)]
        [0, 0, 1, 1]
    """
    return int(step >= config.head_steps)


def begin_phase(network: Classifier, config: FineTuningConfig, number: int) -> None:
    """Sets which layers are trained from here on.

    Frozen batch normalisation uses its statistics without changing them, in training too.

    Args:
        network: changed; its head is always trained.
        config: how many layers are trained.
        number: of the phase, see `phase`.
    """
    backbone = list(layers(network.backbone))
    trainable = 0 if number == 0 else config.trainable_layers
    first = 0 if trainable is None else max(0, len(backbone) - trainable)
    for place, layer in enumerate(backbone):
        layer.trainable = place >= first
    if config.frozen_batch_norm:
        for layer in network.backbone._flatten_layers():  # into blocks too; Keras has no public way
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False


def layers(network: keras.Model) -> Iterator[keras.layers.Layer]:
    """The layers of a network from input to output; blocks that are one layer count as one."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from layers(layer)
        else:
            yield layer
