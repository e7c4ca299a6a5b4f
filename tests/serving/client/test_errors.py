import grpc
import pytest

from serving.client.connection import Connection
from serving.client.errors import CallError, ServingError

CONNECTION = Connection("host:1", "m")


@pytest.mark.parametrize(
    ("code", "options", "message"),
    [
        (grpc.StatusCode.UNAVAILABLE, {}, "the server cannot be reached"),
        (grpc.StatusCode.UNAVAILABLE, {"tls": True}, "the TLS handshake failed"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, {}, "no answer in time"),
        (grpc.StatusCode.NOT_FOUND, {}, "check the name"),
        (grpc.StatusCode.UNIMPLEMENTED, {}, "this is no model server"),
        (grpc.StatusCode.UNAUTHENTICATED, {}, "give the right one as `token`"),
    ],
)
def test_a_failed_call_is_explained(code, options, message):
    error = ServingError.from_call_error(CallError(code, "details", **options), CONNECTION)
    assert str(error).startswith("model 'm' at host:1: ")
    assert message in str(error)
    assert str(error).endswith(f"({code.name}: details)")
    assert (error.target, error.model, error.code) == ("host:1", "m", code)


def test_a_failure_without_a_known_cure_is_named():
    error = ServingError.from_call_error(CallError(grpc.StatusCode.ABORTED, "why"), CONNECTION)
    assert str(error) == "model 'm' at host:1: ABORTED: why"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, True),
        (grpc.StatusCode.DEADLINE_EXCEEDED, True),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, True),
        (grpc.StatusCode.UNAVAILABLE, False),
        (grpc.StatusCode.NOT_FOUND, False),
        (grpc.StatusCode.UNAUTHENTICATED, False),
    ],
)
def test_some_failures_concern_one_request_alone(code, expected):
    error = ServingError.from_call_error(CallError(code, ""), CONNECTION)
    assert error.concerns_one_request is expected
