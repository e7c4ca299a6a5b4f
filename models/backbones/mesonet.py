"""Meso-4 and MesoInception-4, as their authors published them.

Afchar et al., "MesoNet: a Compact Facial Video Forgery Detection Network" (WIFS 2018),
https://arxiv.org/abs/1809.00888; https://github.com/DariusAf/MesoNet, classifiers.py.

The features are those of the authors' dense layer of 16 units. The rest belongs to the classifier:
dropout, of 0.5 in the paper (`dropout: 0.5`), and one output, P(real) in the paper and P(fake)
here. The dense layer has a weight for each place of the image, so weights fit one image size only.

BatchNormalization has `models.backbones.batch_norm.MOMENTUM` instead of the authors' 0.99, which
changes training only.
"""

import keras

from models.backbones import batch_norm
from models.backbones import weights as backbone_weights

FEATURES = 16

_DROPOUT = 0.5
_NEGATIVE_SLOPE = 0.1


def meso4(image_size: int, weights: str | None) -> keras.Model:
    """Meso-4 up to its 16 features; see `models.backbones.registry.build`."""
    images = keras.Input((image_size, image_size, 3), name="images")
    x = _scale(images)
    x = _convolution(x, 8, 3, name="convolution_1")
    x = _normalise_and_pool(x, 2, number=1)
    x = _convolution(x, 8, 5, name="convolution_2")
    x = _normalise_and_pool(x, 2, number=2)
    return _finish(images, x, "meso4", weights, convolutions=2)


def mesoinception4(image_size: int, weights: str | None) -> keras.Model:
    """MesoInception-4 up to its 16 features; see `models.backbones.registry.build`."""
    images = keras.Input((image_size, image_size, 3), name="images")
    x = _scale(images)
    x = _inception(x, (1, 4, 4, 2), first=1)
    x = _normalise_and_pool(x, 2, number=1)
    x = _inception(x, (2, 4, 4, 2), first=8)
    x = _normalise_and_pool(x, 2, number=2)
    return _finish(images, x, "mesoinception4", weights, convolutions=14)


def weighted_layers(network: keras.Model) -> list[keras.layers.Layer]:
    """The layers with weights, each kind in the order in which the authors create it.

    Args:
        network: built by `meso4` or `mesoinception4`.

    Returns:
        Convolutions, then BatchNormalizations, then the dense layer.
    """
    kinds = (keras.layers.Conv2D, keras.layers.BatchNormalization, keras.layers.Dense)
    return [
        layer
        for kind in kinds
        for layer in sorted(
            (layer for layer in network.layers if isinstance(layer, kind)),
            key=lambda layer: int(layer.name.rpartition("_")[2]),
        )
    ]


def _finish(
    images: keras.KerasTensor,
    x: keras.KerasTensor,
    name: str,
    weights: str | None,
    *,
    convolutions: int,
) -> keras.Model:
    """Adds the second half, which both networks share, after `convolutions` convolutions."""
    x = _convolution(x, 16, 5, name=f"convolution_{convolutions + 1}")
    x = _normalise_and_pool(x, 2, number=3)
    x = _convolution(x, 16, 5, name=f"convolution_{convolutions + 2}")
    x = _normalise_and_pool(x, 4, number=4)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dropout(_DROPOUT, name="flatten_dropout")(x)
    x = keras.layers.Dense(FEATURES, name="dense_1")(x)
    features = keras.layers.LeakyReLU(negative_slope=_NEGATIVE_SLOPE, name="features")(x)
    network = keras.Model(images, features, name=name)
    backbone_weights.load_file(network, weights, name)
    batch_norm.set_momentum(network)
    return network


def _scale(images: keras.KerasTensor) -> keras.KerasTensor:
    return keras.layers.Rescaling(1 / 255, dtype="float32", name="rescale")(images)


def _convolution(
    x: keras.KerasTensor, filters: int, kernel_size: int, *, dilation: int = 1, name: str
) -> keras.KerasTensor:
    return keras.layers.Conv2D(
        filters, kernel_size, dilation_rate=dilation, padding="same", activation="relu", name=name
    )(x)


def _normalise_and_pool(x: keras.KerasTensor, pool: int, *, number: int) -> keras.KerasTensor:
    x = keras.layers.BatchNormalization(name=f"norm_{number}")(x)
    return keras.layers.MaxPooling2D(pool, padding="same", name=f"pool_{number}")(x)


def _inception(
    x: keras.KerasTensor, filters: tuple[int, int, int, int], *, first: int
) -> keras.KerasTensor:
    """Four parallel branches: 1x1, and 1x1 followed by 3x3 with dilations of 1, 2 and 3.

    Args:
        x: features.
        filters: of each branch.
        first: number of the first of the seven convolutions.
    """
    branches = [_convolution(x, filters[0], 1, name=f"convolution_{first}")]
    for branch in (1, 2, 3):
        number = first + 2 * branch - 1
        narrow = _convolution(x, filters[branch], 1, name=f"convolution_{number}")
        name = f"convolution_{number + 1}"
        branches.append(_convolution(narrow, filters[branch], 3, dilation=branch, name=name))
    return keras.layers.Concatenate(name=f"inception_{1 + first // 8}")(branches)
