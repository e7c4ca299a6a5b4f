"""Which parts of a pretrained network learn at a step."""

from collections.abc import Iterator

import keras

from models.config import FineTuningConfig
from models.networks import Classifier


def phase(config: FineTuningConfig, step: int) -> int:
    """Number of the phase that a step, counted from 0, belongs to: 0, the head's, or 1."""
    return int(step >= config.head_steps)


def begin_phase(network: Classifier, config: FineTuningConfig, number: int) -> None:
    """Sets what learns from here on.

    Batch normalisation that does not learn uses its statistics and leaves them as they are, in
    training as well.

    Args:
        network: changed; its head always learns.
        config: how many layers learn.
        number: of the phase, see `phase`.
    """
    found = list(layers(network.backbone))
    learning = 0 if number == 0 else config.trainable_layers
    first = 0 if learning is None else max(0, len(found) - learning)
    for place, layer in enumerate(found):
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
