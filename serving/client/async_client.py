"""The client for asyncio."""

import asyncio
import collections
import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from typing import Any, TypeVar

from data.faces import VideoFaces
from data.video import find_videos
from serving.client.base_client import BaseClient, no_progress
from serving.client.grpc_channel import AsyncGrpcChannel
from serving.client.operations import Action, NextFrame, Operation, Returned, resume
from serving.client.rest_channel import AsyncRestChannel
from serving.client.retries import Attempt
from serving.client.session import Progress
from serving.client.streaming import TimedFrame
from serving.prediction import VideoPrediction

ReturnT = TypeVar("ReturnT")


class AsyncClient(BaseClient[AsyncGrpcChannel | AsyncRestChannel]):
    """Asks a model server about videos without blocking the event loop.

    Its methods do what those of `Client` do, and take the same arguments. Decoding, detection and
    the callbacks run in threads; requests and delays are awaited.

    Example:
        async with AsyncClient("localhost:8500", "xception") as client:
            prediction = await client.predict("clip.mp4")
            async for prediction in client.predict_directory("clips"):
                print(prediction.path, prediction.verdict)
    """

    _channels = (AsyncGrpcChannel, AsyncRestChannel)

    async def __aenter__(self) -> "AsyncClient":
        """Returns the client itself."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Closes the connection."""
        await self.close()

    async def close(self) -> None:
        """Closes the connection."""
        await self._channel.close()

    async def predict(
        self, path: str | os.PathLike[str], on_progress: Progress = no_progress
    ) -> VideoPrediction:
        """See `Client.predict`."""
        return await self._run(self._session.predict(path, on_progress))

    async def predict_many(
        self, paths: Iterable[str | os.PathLike[str]], concurrency: int = 2
    ) -> AsyncIterator[VideoPrediction]:
        """See `Client.predict_many`."""
        pending: collections.deque[asyncio.Task[VideoPrediction]] = collections.deque()
        limit = asyncio.Semaphore(concurrency)

        async def ask(path: str | os.PathLike[str]) -> VideoPrediction:
            async with limit:
                return await self._run(self._session.predict_one_of_many(path))

        try:
            for path in paths:
                pending.append(asyncio.create_task(ask(path)))
                if len(pending) > concurrency:  # so that one begins as soon as another ends
                    yield await pending.popleft()
            while pending:
                yield await pending.popleft()
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    async def predict_directory(
        self, folder: str | os.PathLike[str], concurrency: int = 2
    ) -> AsyncIterator[VideoPrediction]:
        """See `Client.predict_directory`."""
        paths = await asyncio.to_thread(find_videos, folder)
        async for prediction in self.predict_many(paths, concurrency):
            yield prediction

    async def predict_stream(
        self,
        frames: AsyncIterable[TimedFrame] | Iterable[TimedFrame],
        name: str = "stream",
        on_progress: Progress = no_progress,
    ) -> VideoPrediction:
        """See `Client.predict_stream`; a plain iterator is read in a thread."""
        source = aiter(frames) if isinstance(frames, AsyncIterable) else iter(frames)
        return await self._run(self._session.predict_stream(source, name, on_progress))

    async def predict_faces(self, path: str, video: VideoFaces) -> VideoPrediction:
        """See `Client.predict_faces`."""
        return await self._run(self._session.predict_faces(path, video))

    async def track_width(self) -> int:
        """See `Client.track_width`."""
        return await self._run(self._session.track_width())

    async def _run(self, operation: Operation[ReturnT]) -> ReturnT:
        try:
            action = await _in_thread(resume, operation)
            while not isinstance(action, Returned):
                try:
                    result = await self._perform(action)
                except Exception as error:  # noqa: BLE001 - the session handles it
                    action = await _in_thread(resume, operation, None, error)
                else:
                    action = await _in_thread(resume, operation, result)
                    del result  # it may be a large frame
            return action.value
        finally:
            await _in_thread(operation.close)

    async def _perform(self, action: Action) -> Any:
        if isinstance(action, Attempt):
            return await self._channel.call(action.call, action.timeout_s)
        if isinstance(action, NextFrame):
            if isinstance(action.frames, AsyncIterator):
                return await anext(action.frames, None)
            return await _in_thread(next, action.frames, None)
        return await asyncio.sleep(action.seconds)


async def _in_thread(function: Callable[..., ReturnT], *arguments: Any) -> ReturnT:
    """Runs a function in a thread and waits for its end, even if the task is cancelled meanwhile.

    A generator that is running can be neither resumed nor closed.
    """
    running = asyncio.ensure_future(asyncio.to_thread(function, *arguments))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
