"""How requests are merged: TensorFlow Serving's `--batching_parameters_file`."""

import dataclasses
import os
import pathlib
from typing import Any

from google.protobuf import text_format

from serving.server.errors import StatusError, invalid_argument
from serving.server.protos import batching_parameters_pb2


@dataclasses.dataclass(frozen=True)
class BatchingParameters:
    """Limits of one queue of requests.

    Defaults, checks and messages are TensorFlow Serving's (`session_bundle_config.proto`,
    `bundle_factory_util.h`, `shared_batch_scheduler.h`).

    Attributes:
        max_batch_size: rows of a merged call, and of a single request.
        batch_timeout_micros: microseconds for which a batch that is not full waits for more.
        max_enqueued_batches: batches that may wait; 0 means 1. Further requests are refused.
        num_batch_threads: batches run at a time, of all models together.
        allowed_batch_sizes: a batch is filled up to the next of these rows; empty for no
            filling.
        pad_variable_length_inputs: requests whose inputs differ in shape after the first
            dimension are padded with their first element and merged; otherwise they run apart.

    Raises:
        StatusError: INVALID_ARGUMENT, the values do not fit together.
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = dataclasses.field(default_factory=lambda: os.cpu_count() or 1)
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False

    def __post_init__(self) -> None:
        sizes = self.allowed_batch_sizes
        if sizes and sizes[-1] != self.max_batch_size:
            raise invalid_argument(
                "Last entry in allowed_batch_sizes must match max_batch_size; last entry was "
                f"{sizes[-1]}; expected {self.max_batch_size}"
            )
        if list(sizes) != sorted(set(sizes)):
            raise invalid_argument("allowed_batch_sizes entries must be monotonically increasing")
        for value, least, rule in (
            (self.max_batch_size, 1, "input_batch_size_limit must be positive"),
            (self.batch_timeout_micros, 0, "batch_timeout_micros must be non-negative"),
            (self.max_enqueued_batches, 0, "max_enqueued_batches must be positive"),
            (self.num_batch_threads, 1, "num_batch_threads must be positive"),
        ):
            if value < least:
                raise invalid_argument(f"{rule}; was {value}")

    def padded_size(self, rows: int) -> int:
        """Rows to which a batch is filled up.

        Example:
            >>> parameters = BatchingParameters(max_batch_size=8, allowed_batch_sizes=(2, 8))
            >>> parameters.padded_size(3)
            8
        """
        return next((size for size in self.allowed_batch_sizes if size >= rows), rows)


def of_message(message: Any) -> BatchingParameters:
    """The values of a message, and defaults for fields that are not set.

    Args:
        message: a `tensorflow.serving.BatchingParameters`; its `thread_pool_name` is ignored.

    Raises:
        StatusError: INVALID_ARGUMENT, the values do not fit together.
    """
    values = {
        field.name: content.value  # numbers are wrapped, to tell zero from absence
        for field, content in message.ListFields()
        if field.message_type and field.name != "thread_pool_name"
    }
    return BatchingParameters(
        allowed_batch_sizes=tuple(message.allowed_batch_sizes),
        pad_variable_length_inputs=message.pad_variable_length_inputs,
        **values,
    )


def read(path: pathlib.Path) -> BatchingParameters:
    """Reads a text file of `tensorflow.serving.BatchingParameters`.

    Args:
        path: of the file.

    Returns:
        As `of_message`.

    Raises:
        OSError: the file cannot be read.
        StatusError: INVALID_ARGUMENT, the file is not such a message, or its values do not fit
            together.
    """
    try:
        message = text_format.Parse(
            path.read_text("utf-8"), batching_parameters_pb2.BatchingParameters()
        )
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise invalid_argument(f"Invalid protobuf file: '{path}': {error}") from error
    try:
        return of_message(message)
    except StatusError as error:
        raise StatusError(error.code, f"{path}: {error.message}") from error
