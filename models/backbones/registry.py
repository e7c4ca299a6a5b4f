"""Backbones by name; importing this loads no framework."""

import dataclasses
import importlib
from typing import TYPE_CHECKING

from data.errors import UsageError

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True)
class Backbone:
    """Where a backbone is built.

    Attributes:
        module: dotted name of the module whose `build(image_size, weights)` returns the
            network from float pictures [n, size, size, 3], 0 to 255, to pooled features.
        minimum_image_size: pixels a side that the network needs.
    """

    module: str
    minimum_image_size: int


BACKBONES: dict[str, Backbone] = {
    "efficientnet_v2_b0": Backbone("models.backbones.efficientnet_v2", 32),
    "xception": Backbone("models.backbones.xception", 71),
}


def names() -> list[str]:
    """Names of all backbones, sorted."""
    return sorted(BACKBONES)


def _find(name: str) -> Backbone:
    if name not in BACKBONES:
        raise UsageError(f"there is no model {name!r}; choose one of {', '.join(names())}")
    return BACKBONES[name]


def minimum_image_size(name: str) -> int:
    """Pixels a side that the backbone needs; UsageError for an unknown name."""
    return _find(name).minimum_image_size


def build(name: str, image_size: int, weights: str | None) -> "keras.Model":
    """Builds a backbone under Keras' current dtype policy.

    Args:
        name: one of `names()`.
        image_size: pixels a side.
        weights: `imagenet`, the path of a Keras weights file of the network without its
            top, or None for random weights.

    Returns:
        From float pictures [n, image_size, image_size, 3], RGB, 0 to 255, to features [n, d].

    Raises:
        UsageError: the name is unknown, or the weights cannot be had.
    """
    module = importlib.import_module(_find(name).module)
    network: keras.Model = module.build(image_size, weights)
    return network
