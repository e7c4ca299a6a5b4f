"""A video in, a verdict out: finds the faces here, asks a model server about them."""

import collections
import concurrent.futures
import os
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, TypeVar

from data.faces.types import VideoFaces
from serving.client import video_files
from serving.client.base_client import BaseClient, Conversation, Done, no_progress
from serving.client.connection import Connection
from serving.client.grpc_channel import GrpcChannel
from serving.client.rest_channel import RestChannel
from serving.client.retries import Attempt
from serving.client.session import NextFrame, Progress, Step, Steps
from serving.client.streaming import TimedFrame
from serving.prediction import VideoPrediction

ReturnT = TypeVar("ReturnT")


class Client(BaseClient[GrpcChannel | RestChannel]):
    """Asks a model server about videos, with faces cut out as for training.

    Works with TensorFlow Serving and with `serving.server`, over gRPC and REST. Memory is
    bounded however long a video is. It may be used from many threads. `AsyncClient` has the
    same methods for asyncio. Its arguments are `BaseClient`'s.

    Example:
        with Client("localhost:8500", "xception") as client:
            prediction = client.predict("clip.mp4")
            print(prediction.verdict, prediction.fake_probability)
    """

    def __enter__(self) -> "Client":
        """Returns the client itself."""
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the connection."""
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def predict(
        self, path: str | os.PathLike[str], on_progress: Progress = no_progress
    ) -> VideoPrediction:
        """Asks the model about a video; a bad video is an abstention, not an error.

        Args:
            path: the video file.
            on_progress: called with the frames looked at so far and how many there will be;
                if the video is damaged, fewer.

        Returns:
            The verdict with scores for every track and frame.

        Raises:
            ServingError: the server or the model cannot be asked.
        """
        return self._run(self._session.predict(path, on_progress))

    def predict_many(
        self, paths: Iterable[str | os.PathLike[str]], concurrency: int = 2
    ) -> Iterator[VideoPrediction]:
        """Asks the model about videos, some at a time.

        Args:
            paths: the video files; taken as they are needed.
            concurrency: videos at a time, 1 or more. One decodes or waits for the server while
                another is searched: the detector takes one at a time.

        Yields:
            The answers in the order of `paths`. A video that breaks the search for faces, or
            whose requests the server refuses, is an abstention with `Status.CRASHED`; one
            whose requests are not answered in time with `Status.TIMEOUT`.

        Raises:
            ServingError: the server or the model cannot be asked about any video.
            UsageError: the detector cannot be made.
        """
        pending: collections.deque[concurrent.futures.Future[VideoPrediction]]
        pending = collections.deque()
        executor = concurrent.futures.ThreadPoolExecutor(concurrency, "predict")
        try:
            for path in paths:
                steps = self._session.predict_one_of_many(path)
                pending.append(executor.submit(self._run, steps))
                if len(pending) > concurrency:  # one is begun as soon as another ends
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            executor.shutdown(cancel_futures=True)

    def predict_directory(
        self, folder: str | os.PathLike[str], concurrency: int = 2
    ) -> Iterator[VideoPrediction]:
        """Asks the model about the videos in a folder, at any depth, sorted by path.

        Args:
            folder: where they lie; other files are passed over.
            concurrency: as of `predict_many`, of which the rest is as well.

        Raises:
            UsageError: there is no such folder or no video in it.
            ServingError: the server or the model cannot be asked about any video.
        """
        return self.predict_many(video_files.videos_in(folder), concurrency)

    def predict_stream(
        self,
        frames: Iterable[TimedFrame],
        name: str = "stream",
        on_progress: Progress = no_progress,
    ) -> VideoPrediction:
        """Asks the model about frames as they come, until there are no more.

        Example:
            client.predict_stream(open_source("/dev/video0", format="v4l2", max_seconds=10))

        Args:
            frames: (time, image) pairs, all of which are looked at: seconds, never falling, and
                RGB pixels, uint8 [height, width, 3]. `serving.client.open_source` gives
                them of a camera, a network stream or a file.
            name: what the answer calls them.
            on_progress: called with the frames looked at so far, and None.

        Returns:
            The verdict on all frames.

        Raises:
            ServingError: the server or the model cannot be asked.
            ValueError: a frame is no picture, or comes before the one before.
        """
        return self._run(self._session.predict_stream(iter(frames), name, on_progress))

    def predict_faces(self, path: str, video: VideoFaces) -> VideoPrediction:
        """Asks the model about faces that were found already.

        Args:
            path: of the video, for the answer and for messages.
            video: what was found in it; of longer tracks than the model takes, as many faces
                are scored as it does, evenly spread.

        Returns:
            The verdict; an abstention if no face is usable.

        Raises:
            ServingError: the server or the model cannot be asked.
            ValueError: a face is neither JPEG nor PNG.
        """
        return self._run(self._session.predict_faces(path, video))

    def track_width(self) -> int:
        """Number of faces in a row of the model's `serving_tracks`.

        Raises:
            ServingError: the server or the model cannot be asked, or the model has no
                such signature.
        """
        return self._run(self._session.track_width())

    def _open(self, connection: Connection) -> GrpcChannel | RestChannel:
        return RestChannel(connection) if connection.is_rest else GrpcChannel(connection)

    def _run(self, steps: Steps[ReturnT]) -> ReturnT:
        conversation = Conversation(steps)
        try:
            step = conversation.go_on()
            while not isinstance(step, Done):
                try:
                    answer = self._do(step)
                except Exception as error:  # noqa: BLE001 - the session knows what it means
                    step = conversation.fail(error)
                else:
                    step = conversation.go_on(answer)
                    del answer  # which may be a frame
            return step.value
        finally:
            conversation.close()

    def _do(self, step: Step) -> Any:
        if isinstance(step, Attempt):
            return self._channel.call(step.call, step.timeout_s)
        if isinstance(step, NextFrame):
            return next(step.frames, None)  # type: ignore[arg-type]  # none is asynchronous here
        return time.sleep(step.seconds)
