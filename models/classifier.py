"""The network that scores one face: backbone, dropout and one logit."""

import contextlib
from collections.abc import Iterator

import keras

from models.backbones import registry
from models.config import ModelConfig


@contextlib.contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Sets Keras' global dtype policy, which backbones build their layers under, for a while."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def build(config: ModelConfig, policy: str, *, weights: str | None) -> keras.Model:
    """Builds the classifier of single faces.

    Args:
        config: name, image size, dropout and seed are used.
        policy: Keras dtype policy of the backbone; the last layer is float32 whatever it is.
        weights: of the backbone, see `models.backbones.registry.build`.

    Returns:
        From float32 pictures [n, image_size, image_size, 3], RGB, 0 to 255, to float32
        logits [n]; above 0 speaks for fake.

    Raises:
        UsageError: the weights cannot be had.
    """
    keras.utils.set_random_seed(config.seed)
    with dtype_policy(policy):
        backbone = registry.build(config.name, config.image_size, weights)
    pictures = keras.Input((config.image_size, config.image_size, 3), name="faces", dtype="float32")
    features = backbone(pictures)
    features = keras.layers.Dropout(
        config.dropout, seed=config.seed, dtype="float32", name="dropout"
    )(features)
    logits = keras.layers.Dense(1, dtype="float32", name="logit")(features)
    logits = keras.layers.Reshape((), dtype="float32", name="logits")(logits)
    return keras.Model(pictures, logits, name=config.name)


def in_float32(network: keras.Model, config: ModelConfig) -> keras.Model:
    """The same network with the same weights, computing in float32: what is calibrated and served.

    Args:
        network: made by `build` with the same config under any policy.
        config: that it was built with.

    Returns:
        A new network.
    """
    served = build(config, "float32", weights=None)
    served.set_weights(network.get_weights())
    return served
