"""The warm-up requests of a version, run before it serves."""

import pathlib
from collections.abc import Iterator

import grpc
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import prediction_log_pb2

from serving.server.errors import StatusError, invalid_argument

PATH = "assets.extra/tf_serving_warmup_requests"
"""TFRecord of `PredictionLog`, relative to the version's folder."""

MAX_RECORDS = 1000
"""TensorFlow Serving's limit."""


def read(folder: pathlib.Path) -> Iterator[prediction_log_pb2.PredictionLog]:
    """Reads a version's warm-up requests, one at a time.

    Messages are those of `saved_model_warmup_util.cc`.

    Args:
        folder: of the version.

    Yields:
        The logged requests in order; none if the version has no such file.

    Raises:
        StatusError: INVALID_ARGUMENT, a record is not a `PredictionLog` or there are too many;
            DATA_LOSS, the file is damaged.
    """
    path = folder / PATH
    if not path.is_file():
        return
    records = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    try:
        for number, record in enumerate(records):
            if number == MAX_RECORDS:
                raise invalid_argument(
                    f"Number of warmup records exceeds the maximum ({MAX_RECORDS}) at {path}"
                )
            try:
                log = prediction_log_pb2.PredictionLog.FromString(record)
            except DecodeError as error:
                raise invalid_argument(
                    f"Failed to parse warmup record: {record!r} from {path}"
                ) from error
            yield log
    except tf.errors.DataLossError as error:
        raise StatusError(
            grpc.StatusCode.DATA_LOSS,
            f"{error.message}. Please verify your warmup data is in TFRecord format.",
        ) from error
