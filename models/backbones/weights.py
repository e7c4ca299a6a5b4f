"""Loads the weights that a config names, with errors that say what to do."""

import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from data.utils.errors import UsageError
from models.backbones.registry import IMAGENET

if TYPE_CHECKING:
    import keras


def load(
    network: "keras.Model",
    weights: str | None,
    name: str,
    fetch_imagenet: Callable[[], "keras.Model"],
) -> None:
    """Loads weights into a network without its top.

    Args:
        network: receives the weights.
        weights: `imagenet`, the path of a Keras weights file, or None to do nothing.
        name: of the network, for messages.
        fetch_imagenet: downloads and returns the same network with its ImageNet weights.

    Raises:
        UsageError: the weights cannot be fetched, or the file does not exist or does not fit.
    """
    if weights != IMAGENET:
        load_file(network, weights, name)
        return
    try:
        source = fetch_imagenet()
    # The download libraries raise OSError and many types of their own.
    except Exception as error:
        raise UsageError(
            f"{name}: the ImageNet weights could not be fetched "
            f"({type(error).__name__}: {_first_line(error)}). Connect this machine to the "
            "network, or set `weights` to the path of a .h5 file with them, or to null to "
            "train from scratch."
        ) from error
    network.set_weights(source.get_weights())


def load_file(network: "keras.Model", path: str | None, name: str) -> None:
    """Loads the weights of a file into a network without its top.

    Args:
        network: receives the weights.
        path: of a Keras weights file, or None to do nothing.
        name: of the network, for messages.

    Raises:
        UsageError: the file does not exist or does not fit.
    """
    if path is None:
        return
    require_file(path, name)
    try:
        network.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise UsageError(
            f"{name}: {path} does not hold this network's weights without its top "
            f"({_first_line(error)})."
        ) from error


def require_file(path: str, name: str) -> None:
    """Raises UsageError, which names the network, if there is no such weights file."""
    if not pathlib.Path(path).is_file():
        raise UsageError(
            f"{name}: the weights file {path} does not exist. Set `weights` to an existing "
            ".h5 file, to `imagenet`, or to null to train from scratch."
        )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "no message")
