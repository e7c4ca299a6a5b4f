"""The weights that MesoNet's authors published, put into our classifier.

https://github.com/DariusAf/MesoNet, weights/ (Apache-2.0): files of Keras 2, which numbers the
layers of each kind in the order in which they were made and stores them in another. The authors'
last unit is P(real); ours speaks for fake, so that its sign is turned.
"""

import pathlib
import re

import h5py
import keras
import numpy as np
import numpy.typing as npt

from data.errors import UsageError
from models.backbones import mesonet

NAMES = ("meso4", "mesoinception4")
"""Networks that there are such files of."""

_KINDS = ("conv2d", "batch_normalization", "dense")
"""Keras' names of layers with weights, in the order of `mesonet.weighted_layers`."""

_NUMBERED = re.compile(rf"({'|'.join(_KINDS)})(?:_(\d+))?")


def is_published(path: str) -> bool:
    """Whether a file is HDF5 as Keras 2 writes weights, of MesoNet or of anything else.

    Raises:
        UsageError: there is no such file, or it is not HDF5.
    """
    if not pathlib.Path(path).is_file():
        raise UsageError(f"{path}: there is no such file; give a .h5 file with weights")
    try:
        with h5py.File(path, "r") as file:
            return "layer_names" in file.attrs
    except OSError as error:
        raise UsageError(f"{path}: not a whole HDF5 file ({error}); fetch it again") from error


def load(classifier: keras.Model, name: str, path: str) -> None:
    """Puts a published file into a classifier.

    Args:
        classifier: made by `models.classifier.build` for `name` at 256 pixels; changed.
        name: one of `NAMES`.
        path: of the authors' .h5 file.

    Raises:
        UsageError: the file is absent or damaged, or not of this network.
    """
    if not is_published(path):
        raise UsageError(
            f"{path}: holds no list of layers as Keras 2 writes it, so it is none of the files "
            "that MesoNet's authors published"
        )
    layers = [*mesonet.weighted_layers(classifier.get_layer(name)), classifier.get_layer("logit")]
    published = _read(path)
    expected = [[tuple(weight.shape) for weight in layer.weights] for layer in layers]
    found = [[weight.shape for weight in weights] for weights in published]
    if found != expected:
        raise UsageError(f"{path}: {_difference(found, expected)}, so it does not hold {name}")
    for layer, weights in zip(layers, published, strict=True):
        layer.set_weights(weights)
    kernel, bias = published[-1]
    classifier.get_layer("logit").set_weights([-kernel, -bias])


def _read(path: str) -> list[list[npt.NDArray[np.float32]]]:
    """Weights of each layer that has some, by kind and number."""
    try:
        with h5py.File(path, "r") as file:
            names = [name.decode() for name in file.attrs["layer_names"]]
            numbered = [match for name in names if (match := _NUMBERED.fullmatch(name))]
            numbered.sort(key=lambda match: (_KINDS.index(match[1]), int(match[2] or 0)))
            return [
                [
                    np.asarray(file[match[0]][weight])
                    for weight in file[match[0]].attrs["weight_names"]
                ]
                for match in numbered
            ]
    except (OSError, KeyError, RuntimeError, AttributeError) as error:
        raise UsageError(f"{path}: damaged ({error}); fetch it again") from error


def _difference(found: list, expected: list) -> str:
    """The first layer in which shapes differ, for people."""
    if len(found) != len(expected):
        return f"holds {len(found)} layers with weights instead of {len(expected)}"
    place = next(
        i for i, pair in enumerate(zip(found, expected, strict=True)) if pair[0] != pair[1]
    )
    return (
        f"its layer {place + 1} holds weights of shapes {found[place]} instead of {expected[place]}"
    )
