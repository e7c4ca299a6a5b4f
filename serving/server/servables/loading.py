"""Loads a version and makes it ready to serve."""

import pathlib
import time

import grpc

from serving.server.batching import ServerBatching
from serving.server.errors import StatusError
from serving.server.monitoring import Metrics
from serving.server.servables import inference, warmup
from serving.server.servables.servable import Servable


def load_servable(
    folder: pathlib.Path,
    *,
    enable_model_warmup: bool = True,
    batching: ServerBatching | None = None,
    metrics: Metrics | None = None,
) -> Servable:
    """Loads a version and runs its warm-up requests.

    Args:
        folder: of the SavedModel.
        enable_model_warmup: whether to run warm-up requests.
        batching: how concurrent requests are merged; None to merge none.
        metrics: count how long the warm-up took.

    Returns:
        The version, warm.

    Raises:
        StatusError: the SavedModel is broken, or a warm-up request fails.
    """
    servable = Servable(folder, batching)
    if enable_model_warmup and (folder / warmup.PATH).is_file():
        started, code = time.perf_counter(), grpc.StatusCode.OK
        try:
            for log in warmup.read(folder):
                inference.replay(servable, log)
        except StatusError as error:
            code = error.code
            servable.close()
            raise
        finally:
            if metrics is not None:
                metrics.observe_warmup(str(folder), code, time.perf_counter() - started)
    return servable
