"""What goes wrong over HTTP; `test_client_transports.py` has what goes well."""

import grpc
import pytest

from serving.client.errors import ServingError
from serving.prediction import Verdict
from tests.serving.client.asking import either_client

pytestmark = pytest.mark.slow


@either_client
@pytest.mark.parametrize("status", [429, 503])
def test_a_temporary_http_failure_is_retried(rest, video, ask, status):
    front, url = rest
    front.failures = [(status, '{"error": "queue full"}')] * 2
    assert ask(url, video).verdict is Verdict.FAKE
    assert len(front.requests) == 2 + 2


@either_client
@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, '{"error": "x"}', grpc.StatusCode.INVALID_ARGUMENT),
        (403, "", grpc.StatusCode.PERMISSION_DENIED),
        (404, "<html>nginx</html>", grpc.StatusCode.UNIMPLEMENTED),
        (413, "", grpc.StatusCode.RESOURCE_EXHAUSTED),
        (418, "", grpc.StatusCode.UNKNOWN),
        (500, "", grpc.StatusCode.INTERNAL),
        (504, '{"error": "late"}', grpc.StatusCode.DEADLINE_EXCEEDED),
        (200, "<html>login</html>", grpc.StatusCode.UNIMPLEMENTED),
        (200, '{"predictions": []}', grpc.StatusCode.UNIMPLEMENTED),
    ],
)
def test_other_http_failures_are_reported_at_once(rest, video, ask, status, body, code):
    front, url = rest
    front.failures = [(status, body)]
    with pytest.raises(ServingError) as caught:
        ask(url, video)
    assert caught.value.code is code
    assert len(front.requests) == 1


@either_client
def test_an_answer_larger_than_the_limit_is_not_read(rest, video, ask):
    front, url = rest
    front.failures = [(200, "x" * 2**18)]
    with pytest.raises(ServingError, match="the answer is larger than 131072 bytes"):
        ask(url, video, max_message_bytes=2**17)


@either_client
def test_a_closed_port_is_a_server_that_cannot_be_reached(video, ask):
    with pytest.raises(ServingError, match="the server cannot be reached") as caught:
        ask("http://127.0.0.1:9", video, timeout_s=0.5)
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
