"""The same answers over gRPC and REST, blocking and not."""

import itertools

import grpc
import pytest

from data.faces import VideoFaces
from data.ledger import Status
from serving.client.errors import ServingError
from serving.prediction import Verdict
from tests.serving.client.asking import ask_async, ask_blocking, either_client
from tests.serving.clips import faces_of
from tests.serving.conftest import SCOPE

pytestmark = pytest.mark.slow

TORN = b"\x89PNG\r\n\x1a\n torn"


def test_all_four_ways_give_the_same_answer(server, rest, video, face_jpeg):
    _, url = rest
    torn = VideoFaces(Status.OK, "", faces_of(lambda _: TORN, [1]))
    for asked in (video, torn, VideoFaces(Status.NO_FACE, "why")):
        ways = itertools.product((ask_blocking, ask_async), (server.target, url))
        answers = [ask(target, asked) for ask, target in ways]
        assert answers[1:] == answers[:1] * 3
    assert ask_blocking(url, video).verdict is Verdict.FAKE
    assert ask_blocking(url, video).model_version == 1
    assert ask_blocking(url, torn).verdict is Verdict.ABSTAIN


@either_client
@pytest.mark.parametrize("over", ["grpc", "rest"])
def test_the_scope_comes_from_the_server_if_the_model_states_one(
    server, rest, video, push, wait_until, ask, over
):
    target = server.target if over == "grpc" else rest[1]
    assert ask(target, video).scope == SCOPE
    push("tiny", 3)
    wait_until(lambda: server.manager.available() == {"tiny": [3]})
    prediction = ask(target, video)
    assert (prediction.verdict, prediction.scope) == (Verdict.FAKE, None)


@either_client
@pytest.mark.parametrize("over", ["grpc", "rest"])
def test_an_unknown_model_is_named(server, rest, video, ask, over):
    target = server.target if over == "grpc" else rest[1]
    with pytest.raises(ServingError, match="Servable not found for request") as caught:
        ask(target, video, model="no body?")
    assert caught.value.code is grpc.StatusCode.NOT_FOUND
    assert (caught.value.target, caught.value.model) == (target, "no body?")
    assert "Latest(no body?)" in str(caught.value)


@either_client
@pytest.mark.parametrize("over", ["grpc", "rest"])
def test_requests_are_split_at_the_limit(server, rest, video, ask, over):
    front, url = rest
    target = server.target if over == "grpc" else url
    whole = ask(target, video)
    largest = max(
        sum(len(face.image) for face in video.faces if face.track == track) for track in range(3)
    )
    pictures = largest if over == "grpc" else largest // 3 * 4 + 8
    front.requests.clear()
    assert ask(target, video, max_message_bytes=2**16 + pictures) == whole
    if over == "rest":
        assert [method for method, *_ in front.requests].count("POST") > 1
        assert all(size <= 2**16 + pictures for *_, size in front.requests)
    with pytest.raises(ServingError, match="one row of a request takes") as caught:
        ask(target, video, max_message_bytes=2**16 + 8)
    assert caught.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
