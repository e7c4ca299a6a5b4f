"""Structured logs: one JSON object a line, or readable lines on a terminal."""

import datetime
import json
import logging
from typing import TextIO

import grpc
import rich.console
from rich.logging import RichHandler

from serving.server.monitoring.observers import Outcome

requests_logger = logging.getLogger("serving.requests")

_FIELDS = "fields"
"""Attribute of a log record that holds its event's fields, by name."""

_SERVER_FAULTS = {
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.DATA_LOSS,
}


class JsonFormatter(logging.Formatter):
    """Makes one line of JSON of a record.

    Keys: `time` (UTC), `level`, `logger`, `message`, the fields of the record's event, and
    `exception` where there is one.
    """

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        time = datetime.datetime.fromtimestamp(record.created, datetime.timezone.utc)
        event: dict[str, object] = {
            "time": time.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, _FIELDS, {}),
        }
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event, default=str)


class _TerminalHandler(RichHandler):
    """rich's lines, with an event's fields behind its message."""

    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, _FIELDS, {})
        return " ".join([super().format(record), *(f"{k}={v}" for k, v in fields.items())])


def configure(stream: TextIO, *, level: int = logging.INFO) -> None:
    """Sends the server's logs to a stream, and nowhere else.

    Args:
        stream: a terminal gets readable lines, anything else JSON.
        level: of `logging`, below which nothing is written.
    """
    handler: logging.Handler
    if stream.isatty():
        console = rich.console.Console(file=stream)
        handler = _TerminalHandler(console=console, show_path=False)
    else:
        handler = logging.StreamHandler(stream)
        handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("serving")
    for previous in list(logger.handlers):
        logger.removeHandler(previous)
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False


class RequestLogger:
    """An observer that logs every request that fails; never what it carried.

    The server's faults are errors, every other failure is a warning. The message of an
    INVALID_ARGUMENT is for the client alone: TensorFlow's operations quote there what they
    were given.

    Args:
        log_successes: log successes as well, at level INFO; otherwise at DEBUG.
    """

    def __init__(self, *, log_successes: bool = False) -> None:
        self._success_level = logging.INFO if log_successes else logging.DEBUG

    def __call__(self, outcome: Outcome) -> None:
        """Logs one answer."""
        level = self._level(outcome.code)
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
        requests_logger.log(level, "request", extra={_FIELDS: fields})

    def _level(self, code: grpc.StatusCode) -> int:
        if code is grpc.StatusCode.OK:
            return self._success_level
        return logging.ERROR if code in _SERVER_FAULTS else logging.WARNING
