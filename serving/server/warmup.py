"""Requests that a version brings along, run before it serves its first real one."""

import pathlib
from collections.abc import Callable

import grpc
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from serving.server.errors import StatusError, invalid_argument

PATH = "assets.extra/tf_serving_warmup_requests"
"""TFRecord of `PredictionLog`, relative to the version's folder."""

MAX_RECORDS = 1000
"""TensorFlow Serving's limit."""


def read(folder: pathlib.Path) -> list[predict_pb2.PredictRequest]:
    """Reads a version's warm-up requests.

    Args:
        folder: of the version.

    Returns:
        The requests in order; empty if the version brings none.

    Raises:
        StatusError: the file is damaged, holds too many records, or records of another
            kind than Predict.
    """
    path = folder / PATH
    if not path.is_file():
        return []
    requests: list[predict_pb2.PredictRequest] = []
    try:
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            if len(requests) == MAX_RECORDS:
                raise invalid_argument(
                    f"Number of warmup records exceeds the maximum ({MAX_RECORDS}) at {path}"
                )
            log = prediction_log_pb2.PredictionLog.FromString(record)
            kind = log.WhichOneof("log_type")
            if kind != "predict_log":
                raise StatusError(
                    grpc.StatusCode.UNIMPLEMENTED, f"Unsupported log_type for warmup: {kind}"
                )
            requests.append(log.predict_log.request)
    except (DecodeError, tf.errors.DataLossError) as error:
        raise StatusError(
            grpc.StatusCode.DATA_LOSS, f"cannot read the warm-up requests at {path}: {error}"
        ) from error
    return requests


def run(folder: pathlib.Path, predict: Callable[[predict_pb2.PredictRequest], object]) -> None:
    """Runs a version's warm-up requests; the first that fails ends it.

    Args:
        folder: of the version.
        predict: answers a request.

    Raises:
        StatusError: of `read`, or of the request that failed.
    """
    for request in read(folder):
        predict(request)
