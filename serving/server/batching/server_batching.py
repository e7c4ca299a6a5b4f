"""How a server merges requests: for all models alike, or by each model's own parameters."""

import dataclasses
import pathlib
from collections.abc import Callable

from serving.server.batching import parameters as batching_parameters
from serving.server.batching.parameters import BatchingParameters
from serving.server.batching.scheduler import BatchScheduler

MODEL_PARAMETERS = "batching_params.pbtxt"
"""A model's own parameters, relative to the version's folder."""


@dataclasses.dataclass(frozen=True)
class ServerBatching:
    """How a server merges requests.

    Args:
        parameters: of every model, and the number of batches run at a time.
        per_model: TensorFlow Serving's `--enable_per_model_batching_parameters`: a model is
            batched by its own `MODEL_PARAMETERS`, or not at all if it has none.
        on_run: see `BatchScheduler`.
    """

    parameters: BatchingParameters
    per_model: bool = False
    on_run: Callable[[list[float]], None] = lambda _: None
    scheduler: BatchScheduler = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        scheduler = BatchScheduler(self.parameters.num_batch_threads, self.on_run)
        object.__setattr__(self, "scheduler", scheduler)

    def of_model(self, folder: pathlib.Path) -> BatchingParameters | None:
        """Parameters of the version in a folder; None if it is not batched.

        Raises:
            StatusError: INVALID_ARGUMENT, its own parameters cannot be used.
        """
        if not self.per_model:
            return self.parameters
        path = folder / MODEL_PARAMETERS
        return batching_parameters.read(path) if path.is_file() else None
