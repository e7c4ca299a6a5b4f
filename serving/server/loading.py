"""Makes a version ready to serve."""

import functools
import pathlib

from serving.server import inference, warmup
from serving.server.servable import Servable


def load(folder: pathlib.Path, *, enable_model_warmup: bool = True) -> Servable:
    """Loads a version and runs the warm-up requests that it brings along.

    Args:
        folder: of the SavedModel.
        enable_model_warmup: whether to run them.

    Returns:
        The version, warm.

    Raises:
        StatusError: the SavedModel is broken, or a warm-up request fails.
    """
    servable = Servable(folder)
    if enable_model_warmup:
        warmup.run(folder, functools.partial(inference.replay, servable))
    return servable
