"""What only asyncio does; the other tests ask both clients."""

import asyncio
import threading

import pytest

from data.faces import FaceOptions
from serving.client.async_client import AsyncClient
from serving.prediction import Verdict
from tests.serving.clips import WholeFrameDetector, write_video

OPTIONS = FaceOptions(frames_per_video=2)


def test_a_cancelled_prediction_is_cleaned_up(server, tmp_path):
    """Its decoder and its operation are closed, and the client can be used further."""
    write_video(tmp_path / "clip.mp4", 220, frames=3)
    entered, leave = threading.Event(), threading.Event()

    class Waiting(WholeFrameDetector):
        def detect(self, frames):
            entered.set()
            leave.wait(10)
            return super().detect(frames)

    async def run():
        async with AsyncClient(
            server.target, "tiny", options=OPTIONS, detector=Waiting()
        ) as client:
            prediction = asyncio.create_task(client.predict(tmp_path / "clip.mp4"))
            await asyncio.to_thread(entered.wait)
            prediction.cancel()
            leave.set()
            with pytest.raises(asyncio.CancelledError):
                await prediction
            return await client.predict(tmp_path / "clip.mp4")

    assert asyncio.run(run()).verdict is Verdict.FAKE
