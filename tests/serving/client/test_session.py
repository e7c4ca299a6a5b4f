"""What both clients do: run step by step without a server, and while a version is replaced."""

import asyncio

import grpc
import numpy as np
import pytest

from data.faces import FaceOptions, VideoFaces
from data.ledger import Status
from serving.client.async_client import AsyncClient
from serving.client.calls import PredictCall, Signatures, SignaturesCall
from serving.client.client import Client
from serving.client.connection import Connection
from serving.client.errors import CallError, ServingError
from serving.client.operations import Returned, resume
from serving.client.session import Session
from serving.prediction import LARGE_FACE_SHARE, Verdict
from tests.serving.clips import WholeFrameDetector, faces_of, write_video

OPTIONS = FaceOptions(frames_per_video=2)


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_a_video_is_judged_by_the_version_that_is_there(server, push, wait_until, tmp_path, client):
    write_video(tmp_path / "clip.mp4", 220, frames=3)

    class Pushing(WholeFrameDetector):
        """Meanwhile the next version comes, and the one before goes."""

        def detect(self, frames):
            if server.manager.available() == {"tiny": [1]}:
                push("tiny", 2)
                wait_until(lambda: server.manager.available() == {"tiny": [2]})
            return super().detect(frames)

    async def ask():
        async with AsyncClient(
            server.target, "tiny", options=OPTIONS, detector=Pushing()
        ) as asking:
            return await asking.predict(tmp_path / "clip.mp4")

    if client is AsyncClient:
        prediction = asyncio.run(ask())
    else:
        with Client(server.target, "tiny", options=OPTIONS, detector=Pushing()) as asking:
            prediction = asking.predict(tmp_path / "clip.mp4")
    assert prediction.verdict is Verdict.FAKE
    assert prediction.model_version == 2


WIDTH = 4
SIGNATURES = {("serving_tracks", "faces"): (-1, WIDTH)}
SCOPE_OUTPUT = frozenset({("serving_tracks", "scope")})


def session(max_message_bytes=2**20):
    return Session(
        Connection("host:1", "tiny", max_message_bytes=max_message_bytes),
        payload="tracks",
        detector=WholeFrameDetector(),
        options=OPTIONS,
        large_face_share=LARGE_FACE_SHARE,
        timeout_s=60.0,
    )


def run(operation, answer):
    """Runs an operation whose calls `answer` answers; returns the value and the calls."""
    calls = []
    action = resume(operation)
    while not isinstance(action, Returned):
        calls.append(action.call)
        try:
            result = answer(action.call)
        except CallError as error:
            action = resume(operation, error=error)
        else:
            action = resume(operation, result)
    return action.value, calls


def judge(call, version=1):
    """Answers as a model would that calls every track fake."""
    if isinstance(call, SignaturesCall):
        return Signatures(version, SIGNATURES)
    rows = len(call.values)
    text = {name: np.full(rows, "knows nobody") for name in call.outputs if name == "scope"}
    return text | {
        "fake_probability": np.full(rows, 0.9, np.float32),
        "verdict": np.ones(rows, np.int64),
        "face_probability": np.full((rows, WIDTH), 0.9, np.float32),
    }


@pytest.fixture
def video(face_jpeg):
    return VideoFaces(Status.OK, "", faces_of(face_jpeg, [9] * 6, [9] * 2, [9]))


def test_tracks_are_sampled_and_padded_to_the_models_width(video):
    prediction, calls = run(session().predict_faces("clip.mp4", video), judge)
    assert prediction.verdict is Verdict.FAKE
    assert [type(call) for call in calls] == [SignaturesCall, PredictCall]
    assert [[len(image) > 0 for image in row] for row in calls[1].values] == [
        [True, True, True, True],
        [True, True, False, False],
        [True, False, False, False],
    ]


def test_rows_that_do_not_fit_into_one_message_are_sent_in_several(video):
    size = len(video.faces[0].image)
    operation = session(2**16 + 4 * size).predict_faces("clip.mp4", video)
    prediction, calls = run(operation, judge)
    assert [len(call.values) for call in calls[1:]] == [1, 2]
    assert len(prediction.tracks) == 3
    sizes = rf"one row of a request takes {4 * size} bytes, but a message may have {3 * size}:"
    with pytest.raises(ServingError, match=sizes) as caught:
        run(session(2**16 + 3 * size).predict_faces("clip.mp4", video), judge)
    assert caught.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("shape", [None, (-1,), (-1, -1), (-1, 0)])
def test_a_model_that_takes_no_tracks_is_named(video, shape):
    def answer(call):
        return Signatures(1, {} if shape is None else {("serving_tracks", "faces"): shape})

    with pytest.raises(ServingError, match="it has no signature 'serving_tracks'") as caught:
        run(session().predict_faces("clip.mp4", video), answer)
    assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION


@pytest.mark.parametrize("newest", [1, 2])
def test_a_version_that_is_gone_is_an_error_unless_there_is_a_newer_one(video, newest):
    versions = iter([1, newest])

    def answer(call):
        if isinstance(call, PredictCall) and call.version == 1:
            raise CallError(grpc.StatusCode.NOT_FOUND, "unloaded")
        return judge(call, next(versions) if isinstance(call, SignaturesCall) else None)

    operation = session().predict_faces("clip.mp4", video)
    if newest == 1:
        with pytest.raises(ServingError, match="unloaded"):
            run(operation, answer)
    else:
        prediction, _ = run(operation, answer)
        assert prediction.model_version == 2


@pytest.mark.parametrize(
    ("outputs", "scope"),
    [
        pytest.param(SCOPE_OUTPUT, "knows nobody", id="stated"),
        pytest.param(frozenset(), None, id="exported before models stated it"),
        pytest.param(frozenset({("other", "scope")}), None, id="of another signature"),
    ],
)
def test_the_scope_is_asked_for_where_the_signature_has_it(video, outputs, scope):
    def answer(call):
        if isinstance(call, SignaturesCall):
            return Signatures(1, SIGNATURES, outputs)
        return judge(call)

    prediction, calls = run(session().predict_faces("clip.mp4", video), answer)
    assert prediction.scope == scope
    assert ("scope" in calls[1].outputs) == (scope is not None)


def test_a_video_without_usable_faces_is_no_call():
    operation = session().predict_faces("clip.mp4", VideoFaces(Status.NO_FACE, "why"))
    prediction, calls = run(operation, judge)
    assert (prediction.verdict, prediction.reason) == (Verdict.ABSTAIN, "why")
    assert calls == []
