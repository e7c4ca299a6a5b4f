"""Structured logs: one JSON object a line, or readable lines on a terminal."""

import logging
from typing import TextIO

import grpc
import rich.console
from pythonjsonlogger.core import RESERVED_ATTRS, merge_record_extra
from pythonjsonlogger.json import JsonFormatter
from rich.logging import RichHandler

from serving.server.monitoring.observers import Outcome

requests_logger = logging.getLogger("serving.requests")

_SERVER_FAULTS = {grpc.StatusCode[name] for name in ("INTERNAL", "UNKNOWN", "DATA_LOSS")}


class _TerminalHandler(RichHandler):
    """rich's lines, with the fields of an event after its message."""

    def format(self, record: logging.LogRecord) -> str:
        fields = merge_record_extra(record, {}, RESERVED_ATTRS)
        return " ".join([super().format(record), *(f"{k}={v}" for k, v in fields.items())])


def configure(stream: TextIO, *, level: int = logging.INFO) -> None:
    """Sends the server's logs to a stream, and nowhere else.

    Args:
        stream: a terminal gets readable lines; any other stream one JSON object a line, with the
            keys `level`, `logger`, `message`, the fields of the event, `exception` if there is
            one, and `time` (UTC).
        level: of `logging`, below which nothing is written.
    """
    handler: logging.Handler
    if stream.isatty():
        console = rich.console.Console(file=stream)
        handler = _TerminalHandler(console=console, show_path=False)
    else:
        handler = logging.StreamHandler(stream)
        names = {"levelname": "level", "name": "logger", "exc_info": "exception"}
        handler.setFormatter(
            JsonFormatter(["levelname", "name", "message"], rename_fields=names, timestamp="time")
        )
    logger = logging.getLogger("serving")
    for previous in list(logger.handlers):
        logger.removeHandler(previous)
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False


class RequestLogger:
    """An observer that logs every request that fails, but never its content.

    Faults of the server are errors, every other failure is a warning. The message of an
    INVALID_ARGUMENT is not logged, because TensorFlow's operations quote their inputs there.

    Args:
        log_successes: log successes at level INFO; otherwise at DEBUG.
    """

    def __init__(self, *, log_successes: bool = False) -> None:
        self._success_level = logging.INFO if log_successes else logging.DEBUG

    def __call__(self, outcome: Outcome) -> None:
        """Logs the outcome of one request."""
        fault = logging.ERROR if outcome.code in _SERVER_FAULTS else logging.WARNING
        level = self._success_level if outcome.code is grpc.StatusCode.OK else fault
        if not requests_logger.isEnabledFor(level):
            return
        fields = {
            "request_id": outcome.request_id,
            "transport": outcome.transport,
            "method": outcome.method,
            "model": outcome.model,
            "version": outcome.version,
            "status": outcome.code.name,
            "milliseconds": round(outcome.seconds * 1e3, 3),
        }
        if outcome.message and outcome.code is not grpc.StatusCode.INVALID_ARGUMENT:
            fields["error"] = outcome.message
        requests_logger.log(level, "request", extra=fields)
