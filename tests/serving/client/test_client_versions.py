"""A version that makes way while a video is searched."""

import asyncio

import pytest

from data.faces.extract import FaceOptions
from serving.client.async_client import AsyncClient
from serving.client.client import Client
from serving.prediction import Verdict
from tests.serving.clips import WholeFrameDetector, write_video

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
