import io
import json
import logging
import re

import grpc
import pytest
from tensorflow_serving.apis import predict_pb2

from serving.server.monitoring import logs
from serving.server.monitoring.observers import Outcome

SECRET = b"what the client sent"


@pytest.fixture(autouse=True)
def logger():
    """The loggers as they were before."""
    logger = logging.getLogger("serving")
    before = logger.handlers[:], logger.level, logger.propagate
    yield logger
    logger.handlers[:], logger.level, logger.propagate = before


class Terminal(io.StringIO):
    def isatty(self):
        return True


def outcome(code, message="", version=7):
    request, response = predict_pb2.PredictRequest(), predict_pb2.PredictResponse()
    request.model_spec.name = "xception"
    request.inputs["a"].string_val.append(SECRET)
    response.model_spec.version.value = version
    return Outcome("grpc", "Predict", "id-1", code, message, 0.0123456, request, response)


def events_of(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json():
    stream = io.StringIO()
    logs.configure(stream)
    logs.RequestLogger()(outcome(grpc.StatusCode.NOT_FOUND, "no\nsuch model"))
    (event,) = events_of(stream)
    assert event.pop("time").endswith("+00:00")
    assert event == {
        "level": "WARNING",
        "logger": "serving.requests",
        "message": "request",
        "request_id": "id-1",
        "transport": "grpc",
        "method": "Predict",
        "model": "xception",
        "version": 7,
        "status": "NOT_FOUND",
        "milliseconds": 12.346,
        "error": "no\nsuch model",
    }


@pytest.mark.parametrize(
    ("code", "level"),
    [
        (grpc.StatusCode.INTERNAL, "ERROR"),
        (grpc.StatusCode.UNKNOWN, "ERROR"),
        (grpc.StatusCode.DATA_LOSS, "ERROR"),
        (grpc.StatusCode.UNAVAILABLE, "WARNING"),
        (grpc.StatusCode.UNAUTHENTICATED, "WARNING"),
        (grpc.StatusCode.INVALID_ARGUMENT, "WARNING"),
    ],
)
def test_faults_of_the_server_are_errors_and_others_warnings(code, level):
    stream = io.StringIO()
    logs.configure(stream)
    logs.RequestLogger()(outcome(code))
    assert [event["level"] for event in events_of(stream)] == [level]


@pytest.mark.parametrize(
    ("log_successes", "level", "lines"),
    [
        (False, logging.INFO, 0),
        (False, logging.DEBUG, 1),
        (True, logging.INFO, 1),
        (True, logging.WARNING, 0),
    ],
)
def test_successes_are_logged_only_if_configured(log_successes, level, lines):
    stream = io.StringIO()
    logs.configure(stream, level=level)
    logs.RequestLogger(log_successes=log_successes)(outcome(grpc.StatusCode.OK))
    assert len(events_of(stream)) == lines


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_nothing_of_what_was_sent_is_logged(stream):
    logs.configure(stream, level=logging.DEBUG)
    request_logger = logs.RequestLogger()
    request_logger(outcome(grpc.StatusCode.OK))
    message = f"unknown format starting with '{SECRET.decode()}'"
    request_logger(outcome(grpc.StatusCode.INVALID_ARGUMENT, message))
    assert "INVALID_ARGUMENT" in stream.getvalue()
    assert SECRET.decode() not in stream.getvalue()


def test_a_terminal_gets_readable_lines():
    stream = Terminal()
    logs.configure(stream)
    logs.RequestLogger()(outcome(grpc.StatusCode.UNAVAILABLE, "full"))
    text = " ".join(re.sub("\x1b\\[[0-9;]*m", "", stream.getvalue()).split())
    assert "WARNING" in text
    assert "model=xception" in text
    assert "milliseconds=12.346 error=full" in text


def test_exceptions_are_logged_and_a_second_configuration_replaces_the_first(logger):
    first, second = io.StringIO(), io.StringIO()
    logs.configure(first)
    logs.configure(second)
    try:
        raise ValueError("the reason")
    except ValueError:
        logging.getLogger("serving.server.core.manager").exception("it failed")
    (event,) = events_of(second)
    assert event["message"] == "it failed"
    assert event["exception"].endswith("ValueError: the reason")
    assert first.getvalue() == ""
