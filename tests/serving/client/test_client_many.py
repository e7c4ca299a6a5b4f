"""Many videos: answers in order, few at a time, and no video that stops the others."""

import asyncio
import threading

import grpc
import pytest

from data.faces import FaceOptions
from data.ledger import Status
from data.utils.errors import UsageError
from serving.client.async_client import AsyncClient
from serving.client.client import Client
from serving.client.errors import ServingError
from serving.prediction import Verdict
from serving.server.grpc_api import GrpcServer
from tests.serving.clips import WholeFrameDetector, write_video

pytestmark = pytest.mark.slow

OPTIONS = FaceOptions(frames_per_video=2)


def all_blocking(target, method, argument, concurrency=2, **options):
    with Client(target, "tiny", options=OPTIONS, **options) as client:
        return list(getattr(client, method)(argument, concurrency))


def all_async(target, method, argument, concurrency=2, **options):
    async def ask():
        async with AsyncClient(target, "tiny", options=OPTIONS, **options) as client:
            return [answer async for answer in getattr(client, method)(argument, concurrency)]

    return asyncio.run(ask())


either_client = pytest.mark.parametrize("ask", [all_blocking, all_async])


@pytest.fixture
def videos(tmp_path):
    """Four videos, one of which is none, and one that is not there."""
    folder = tmp_path / "videos"
    (folder / "deeper").mkdir(parents=True)
    write_video(folder / "a.mp4", 220, frames=20)  # the longest comes first
    (folder / "b.mp4").write_text("no video")
    write_video(folder / "c.mp4", 40, frames=3)
    write_video(folder / "deeper" / "d.mkv", 220, frames=3)
    (folder / "notes.txt").write_text("no video either")
    return [folder / name for name in ("a.mp4", "b.mp4", "c.mp4", "deeper/d.mkv", "missing.mp4")]


@either_client
def test_answers_come_in_order(server, videos, ask):
    answers = ask(server.target, "predict_many", videos, 3, detector=WholeFrameDetector())
    assert [answer.path for answer in answers] == list(map(str, videos))
    assert [answer.verdict for answer in answers] == [
        *(Verdict.FAKE, Verdict.ABSTAIN, Verdict.REAL, Verdict.FAKE, Verdict.ABSTAIN)
    ]
    assert [answers[1].status, answers[4].status] == [Status.UNREADABLE, Status.MISSING]


@either_client
def test_a_directory_stands_for_its_videos(server, videos, ask):
    folder = videos[0].parent
    answers = ask(server.target, "predict_directory", folder, detector=WholeFrameDetector())
    assert [answer.path for answer in answers] == list(map(str, videos[:4]))
    (folder.parent / "empty").mkdir()
    for wrong, message in (("none", "no such folder"), ("empty", "no videos in this folder")):
        with pytest.raises(UsageError, match=message):
            ask(server.target, "predict_directory", folder.parent / wrong)


class Counting(WholeFrameDetector):
    """Counts how many threads are in it, and how many videos were begun."""

    def __init__(self):
        self.inside = self.most = 0

    def detect(self, frames):
        self.inside += 1
        self.most = max(self.most, self.inside)
        threading.Event().wait(0.01)
        self.inside -= 1
        return super().detect(frames)


@either_client
def test_few_videos_are_in_flight_and_the_detector_takes_one(server, videos, ask):
    detector = Counting()
    taken, answered, ahead = [], [], []

    def paths():
        for _ in range(8):
            taken.append(1)
            ahead.append(len(taken) - len(answered))
            yield videos[2]

    if ask is all_blocking:
        with Client(server.target, "tiny", options=OPTIONS, detector=detector) as client:
            for answer in client.predict_many(paths(), 2):
                answered.append(answer)
    else:

        async def run():
            async with AsyncClient(
                server.target, "tiny", options=OPTIONS, detector=detector
            ) as client:
                async for answer in client.predict_many(paths(), 2):
                    answered.append(answer)

        asyncio.run(run())
    assert len(answered) == 8
    assert max(ahead) <= 2 + 1
    assert detector.most == 1


class Failing(WholeFrameDetector):
    """Breaks at frames of one size."""

    def detect(self, frames):
        if frames.shape[1] == 96:
            raise MemoryError("too much")
        return super().detect(frames)


@either_client
def test_a_video_on_which_detection_fails_is_an_abstention(server, videos, tmp_path, ask):
    write_video(tmp_path / "odd.mp4", 220, side=96)
    paths = [videos[0], tmp_path / "odd.mp4", videos[3]]
    answers = ask(server.target, "predict_many", paths, detector=Failing())
    assert [answer.verdict for answer in answers] == [Verdict.FAKE, Verdict.ABSTAIN, Verdict.FAKE]
    assert (answers[1].status, answers[1].reason) == (Status.CRASHED, "MemoryError: too much")


@either_client
def test_a_video_that_the_server_refuses_is_an_abstention(server, videos, ask):
    size = 2**16 + 100  # no room for any face
    answers = ask(
        server.target,
        "predict_many",
        videos[:2],
        detector=WholeFrameDetector(),
        max_message_bytes=size,
    )
    assert [answer.status for answer in answers] == [Status.CRASHED, Status.UNREADABLE]
    assert "one row of a request takes" in answers[0].reason


class Hanging:
    """Answers about no video in time."""

    def __init__(self, api):
        self.leave = threading.Event()
        self.get_model_metadata = api.get_model_metadata
        self._predict = api.predict

    def predict(self, request):
        self.leave.wait(10)
        return self._predict(request)


@either_client
def test_a_video_that_is_not_answered_in_time_is_an_abstention(server, videos, ask):
    hanging = Hanging(server.api)
    front = GrpcServer(hanging)
    front.start()
    front.health.serve()
    try:
        answers = ask(
            *(f"127.0.0.1:{front.port}", "predict_many", videos[1:3]),
            detector=WholeFrameDetector(),
            timeout_s=1.0,
        )
    finally:
        hanging.leave.set()
        front.stop(10.0)
    assert [answer.status for answer in answers] == [Status.UNREADABLE, Status.TIMEOUT]
    assert "the time limit too short" in answers[1].reason


@either_client
def test_a_detector_that_cannot_be_made_is_no_videos_fault(server, videos, ask, monkeypatch):
    def create(name):
        raise UsageError("detector 'mtcnn': not installed")

    monkeypatch.setattr("serving.client.face_detection.create_detector", create)
    with pytest.raises(UsageError, match="not installed"):
        ask(server.target, "predict_many", videos)


@either_client
def test_without_a_server_there_are_no_answers(server, videos, ask, monkeypatch):
    monkeypatch.setattr("serving.client.session.METADATA_TIMEOUT_S", 0.3)
    server.stop(0)
    with pytest.raises(ServingError, match="cannot be reached") as caught:
        ask(server.target, "predict_many", videos)
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE


def test_stopping_early_leaves_nothing_running(server, videos):
    detector = WholeFrameDetector()
    with Client(server.target, "tiny", options=OPTIONS, detector=detector) as client:
        answers = client.predict_many([videos[0]] * 50, 2)
        next(answers)
        answers.close()
        assert not [thread for thread in threading.enumerate() if "predict" in thread.name]
