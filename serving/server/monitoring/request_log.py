"""Writes a sample of the requests to TFRecord, as TensorFlow Serving's request logging does."""

import logging
import os
import pathlib
import queue
import random
import threading
import time
from collections.abc import Mapping

import grpc
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2
from tensorflow_serving.config import logging_config_pb2

from data.utils.errors import UsageError
from serving.server.monitoring.observers import Outcome

logger = logging.getLogger(__name__)

_LOG_FIELDS = {
    "Classify": "classify_log",
    "MultiInference": "multi_inference_log",
    "Predict": "predict_log",
    "Regress": "regress_log",
}

_PARTIAL = ".partial"


class RequestLog:
    """An observer that writes a random sample of the answered requests and their answers.

    Every record is a `PredictionLog`, so that a file can serve as a model's warm-up requests. A
    file is called `<filename_prefix>-<date>-<time>-<process>-<number>.tfrecord`; until it is
    complete its name ends in `.partial`. One thread writes. When it falls behind, or a disk
    fails, samples are dropped and counted: requests never wait.

    Attributes:
        dropped: number of samples that were chosen and not written.

    Args:
        configs: TensorFlow Serving's `LoggingConfig` by model (`ModelConfig.logging_config`):
            `sampling_config.sampling_rate`, 0 to 1, and
            `log_collector_config.filename_prefix`. A model without one is not logged.
        max_file_bytes: size at which a file is closed and a new one begun.
        max_queued: samples that may wait to be written.
        max_queued_bytes: bytes of requests that may wait to be written.
        seed: of the random choice, for tests.

    Raises:
        UsageError: see `configure`.
    """

    def __init__(
        self,
        configs: Mapping[str, logging_config_pb2.LoggingConfig],
        *,
        max_file_bytes: int = 64 * 2**20,
        max_queued: int = 256,
        max_queued_bytes: int = 64 * 2**20,
        seed: int | None = None,
    ) -> None:
        self.configure(configs)
        self._max_file_bytes = max_file_bytes
        self._max_queued_bytes = max_queued_bytes
        self._random = random.Random(seed)
        self._queue: queue.Queue[tuple[Outcome, float] | None] = queue.Queue(max_queued)
        self._queued_bytes = 0
        self._lock = threading.Lock()
        self._files: dict[str, _File] = {}
        self._numbers = 0
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="request-log", daemon=True)
        self._thread.start()

    def configure(self, configs: Mapping[str, logging_config_pb2.LoggingConfig]) -> None:
        """Replaces the configs, for requests that end from now on.

        Raises:
            UsageError: a rate is not between 0 and 1, a prefix or its folder is missing, or a
                config has a type of collector.
        """
        for model, config in configs.items():
            _check(model, config)
        self._configs = dict(configs)

    def __call__(self, outcome: Outcome) -> None:
        """Queues one request and its answer, with the probability of its model's config."""
        if outcome.code is not grpc.StatusCode.OK or outcome.method not in _LOG_FIELDS:
            return
        config = self._configs.get(outcome.model)
        if config is None or self._random.random() >= config.sampling_config.sampling_rate:
            return
        with self._lock:
            if self._queued_bytes + outcome.request_bytes > self._max_queued_bytes:
                self.dropped += 1
                return
            try:
                self._queue.put_nowait((outcome, time.time()))
            except queue.Full:
                self.dropped += 1
                return
            self._queued_bytes += outcome.request_bytes

    def stop(self) -> None:
        """Writes the queue and completes every file; the log must not be used after."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            outcome, timestamp_s = item
            try:
                self._write(outcome, timestamp_s)
            except (OSError, tf.errors.OpError) as error:
                self.dropped += 1
                logger.error("a sampled request cannot be logged: %s", error)
            finally:
                with self._lock:
                    self._queued_bytes -= outcome.request_bytes
        for prefix, file in self._files.items():
            try:
                file.close()
            except (OSError, tf.errors.OpError) as error:
                logger.error("%s: the log of requests cannot be closed: %s", prefix, error)
        if self.dropped:
            logger.warning("%d sampled requests were not logged", self.dropped)

    def _write(self, outcome: Outcome, timestamp_s: float) -> None:
        config = self._configs.get(outcome.model)
        if config is None:  # its config was removed meanwhile
            return
        record = _record(outcome, config, timestamp_s).SerializeToString()
        prefix = config.log_collector_config.filename_prefix
        file = self._files.get(prefix)
        if file is None:
            self._numbers += 1
            file = self._files[prefix] = _File(prefix, timestamp_s, self._numbers)
        try:
            file.write(record)
        except (OSError, tf.errors.OpError):
            del self._files[prefix]  # the next sample begins a new file
            raise
        if file.size >= self._max_file_bytes:
            del self._files[prefix]
            file.close()


class _File:
    """One TFRecord file that is being written.

    Args:
        prefix: of its path.
        timestamp_s: when it was begun, seconds since 1970.
        number: distinguishes files of the same second.
    """

    def __init__(self, prefix: str, timestamp_s: float, number: int) -> None:
        begun = time.strftime("%Y%m%d-%H%M%S", time.gmtime(timestamp_s))
        self._path = pathlib.Path(f"{prefix}-{begun}-{os.getpid()}-{number}.tfrecord")
        self._partial = self._path.with_name(self._path.name + _PARTIAL)
        self._writer = tf.io.TFRecordWriter(str(self._partial))
        self.size = 0

    def write(self, record: bytes) -> None:
        """Appends a record."""
        self._writer.write(record)
        self.size += len(record)

    def close(self) -> None:
        """Completes the file and gives it its final name."""
        self._writer.close()
        self._partial.rename(self._path)


def _record(
    outcome: Outcome, config: logging_config_pb2.LoggingConfig, timestamp_s: float
) -> prediction_log_pb2.PredictionLog:
    record = prediction_log_pb2.PredictionLog()
    record.log_metadata.model_spec.name = outcome.model
    if outcome.version is not None:
        record.log_metadata.model_spec.version.value = outcome.version
    record.log_metadata.sampling_config.CopyFrom(config.sampling_config)
    record.log_metadata.timestamp_secs = int(timestamp_s)
    log = getattr(record, _LOG_FIELDS[outcome.method])
    log.request.CopyFrom(outcome.request)
    log.response.CopyFrom(outcome.response)
    return record


def _check(model: str, config: logging_config_pb2.LoggingConfig) -> None:
    rate = config.sampling_config.sampling_rate
    kind = config.log_collector_config.type
    prefix = config.log_collector_config.filename_prefix
    problem = ""
    if not 0.0 <= rate <= 1.0:
        problem = f"sampling_rate {rate} is not in [0, 1]"
    elif kind:
        advice = "leave type out, files of TFRecord are written"
        problem = f"there is no log collector of type '{kind}'; {advice}"
    elif not prefix:
        problem = "filename_prefix is missing"
    elif not pathlib.Path(prefix).parent.is_dir():
        problem = f"filename_prefix {prefix} lies in a folder that does not exist; make it first"
    if problem:
        raise UsageError(f"logging_config of model {model}: {problem}")
