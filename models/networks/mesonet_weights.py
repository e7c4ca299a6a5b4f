"""Loads the weights that MesoNet's authors published into our classifier.

https://github.com/DariusAf/MesoNet, weights/ (Apache-2.0): files of Keras 2, which numbers the
layers of each kind in the order in which they were made, and stores them in a different order.
The authors' last unit is P(real), ours P(fake), so its weights change their sign.
"""

import pathlib
import re

import h5py
import numpy as np
import numpy.typing as npt

from data.utils.errors import UsageError
from models.backbones import mesonet
from models.networks.classifier import Classifier

NAMES = ("meso4", "mesoinception4")
"""Networks with published weights."""

_KINDS = ("conv2d", "batch_normalization", "dense")
"""Keras' names of layers with weights, in the order of `mesonet.weighted_layers`."""

_NUMBERED = re.compile(rf"({'|'.join(_KINDS)})(?:_(\d+))?")


def load(network: Classifier, path: str) -> None:
    """Loads a published file into a classifier.

    Args:
        network: one of `NAMES` at 256 pixels, with the head `frame`; changed.
        path: of the authors' .h5 file.

    Raises:
        UsageError: the file does not exist, is damaged, or holds another network.
    """
    name = network.config.model
    layers = [*mesonet.weighted_layers(network.backbone), network.head.get_layer("logit")]
    published = _read(path)
    expected = [[tuple(weight.shape) for weight in layer.weights] for layer in layers]
    shapes = [[weight.shape for weight in weights] for weights in published]
    if shapes != expected:
        raise UsageError(f"{path}: {_difference(shapes, expected)}, so it does not hold {name}")
    kernel, bias = published.pop()
    for layer, weights in zip(layers, [*published, [-kernel, -bias]], strict=True):
        layer.set_weights(weights)


def _read(path: str) -> list[list[npt.NDArray[np.float32]]]:
    """Weights of each layer that has some, in the order of kind and number."""
    if not pathlib.Path(path).is_file():
        raise UsageError(f"{path}: there is no such file; give a .h5 file of MesoNet's authors")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise UsageError(f"{path}: not a whole HDF5 file ({error}); fetch it again") from error
    try:
        with file:
            if "layer_names" not in file.attrs:
                raise UsageError(
                    f"{path}: holds no list of layers as Keras 2 writes it, so it is none of the "
                    "files that MesoNet's authors published"
                )
            names = [  # bytes or str, as h5py took them
                name.decode() if isinstance(name, bytes) else str(name)
                for name in file.attrs["layer_names"]
            ]
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


def _difference(shapes: list, expected: list) -> str:
    """Names the first layer whose shapes differ."""
    if len(shapes) != len(expected):
        return f"holds {len(shapes)} layers with weights instead of {len(expected)}"
    pairs = zip(shapes, expected, strict=True)
    place = next(place for place, (ours, theirs) in enumerate(pairs) if ours != theirs)
    return (
        f"its layer {place + 1} holds weights of shapes {shapes[place]} instead of "
        f"{expected[place]}"
    )
