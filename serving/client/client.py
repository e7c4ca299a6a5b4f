"""The blocking client: a video in, a verdict out."""

import collections
import concurrent.futures
import os
import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from data.faces import VideoFaces
from data.video import find_videos
from serving.client.base_client import BaseClient, no_progress
from serving.client.grpc_channel import GrpcChannel
from serving.client.operations import Action, NextFrame, Operation, Returned, resume
from serving.client.rest_channel import RestChannel
from serving.client.retries import Attempt
from serving.client.session import Progress
from serving.client.streaming import TimedFrame
from serving.prediction import VideoPrediction

ReturnT = TypeVar("ReturnT")


class Client(BaseClient[GrpcChannel | RestChannel]):
    """Asks a model server about videos, with faces cut out as for training.

    Works with TensorFlow Serving and with `serving.server`, over gRPC and REST. Its memory does
    not grow with the length of a video. Many threads may use one client. `AsyncClient` has the
    same methods for asyncio. The arguments are those of `BaseClient`.

    Example:
        with Client("localhost:8500", "xception") as client:
            prediction = client.predict("clip.mp4")
            print(prediction.verdict, prediction.fake_probability)
    """

    _channels = (GrpcChannel, RestChannel)

    def __enter__(self) -> "Client":
        """Returns the client itself."""
        return self

    def __exit__(self, *exception: object) -> None:
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
            on_progress: called with the number of frames sampled so far and the number to be
                sampled; a damaged video has fewer.

        Returns:
            The verdict with scores for every track and frame.

        Raises:
            ServingError: the server or the model cannot be asked.
        """
        return self._run(self._session.predict(path, on_progress))

    def predict_many(
        self, paths: Iterable[str | os.PathLike[str]], concurrency: int = 2
    ) -> Iterator[VideoPrediction]:
        """Asks the model about videos, a few at a time.

        Args:
            paths: the video files; each is taken only when it is needed.
            concurrency: videos at a time, 1 or more. One is decoded or waits for the server
                while the detector, which takes one at a time, is busy with another.

        Yields:
            The answers in the order of `paths`. A video on which decoding or detection fails, or
            whose requests the server refuses, is an abstention with `Status.CRASHED`; one
            whose requests are not answered in time is one with `Status.TIMEOUT`.

        Raises:
            ServingError: the server or the model cannot be asked about any video.
            UsageError: the detector cannot be made.
        """
        pending: collections.deque[concurrent.futures.Future[VideoPrediction]]
        pending = collections.deque()
        executor = concurrent.futures.ThreadPoolExecutor(concurrency, "predict")
        try:
            for path in paths:
                operation = self._session.predict_one_of_many(path)
                pending.append(executor.submit(self._run, operation))
                if len(pending) > concurrency:  # so that one begins as soon as another ends
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
            folder: contains them; other files are ignored.
            concurrency: videos at a time, see `predict_many`.

        Returns:
            The answers, as `predict_many` yields them.

        Raises:
            UsageError: there is no such folder or no video in it.
            ServingError: the server or the model cannot be asked about any video.
        """
        return self.predict_many(find_videos(folder), concurrency)

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
            frames: (time, image) pairs, all of which are used: seconds, never falling, and RGB
                pixels, uint8 [height, width, 3]. `serving.client.open_source` reads them from
                a camera, a network stream or a file.
            name: the answer's `path`.
            on_progress: called with the number of frames so far, and None.

        Returns:
            The verdict on all frames.

        Raises:
            ServingError: the server or the model cannot be asked.
            ValueError: a frame is not an RGB image, or is earlier than the one before.
        """
        return self._run(self._session.predict_stream(iter(frames), name, on_progress))

    def predict_faces(self, path: str, video: VideoFaces) -> VideoPrediction:
        """Asks the model about faces that were extracted before.

        Args:
            path: of the video, for the answer and for messages.
            video: its faces; of a track with more faces than the model takes, evenly spaced
                ones are scored.

        Returns:
            The verdict; an abstention if no face is usable.

        Raises:
            ServingError: the server or the model cannot be asked.
            ValueError: a face is neither JPEG nor PNG.
        """
        return self._run(self._session.predict_faces(path, video))

    def track_width(self) -> int:
        """How many faces of a track the model's `serving_tracks` takes.

        Raises:
            ServingError: the server or the model cannot be asked, or the model has no
                such signature.
        """
        return self._run(self._session.track_width())

    def _run(self, operation: Operation[ReturnT]) -> ReturnT:
        try:
            action = resume(operation)
            while not isinstance(action, Returned):
                try:
                    result = self._perform(action)
                except Exception as error:  # noqa: BLE001 - the session handles it
                    action = resume(operation, error=error)
                else:
                    action = resume(operation, result)
                    del result  # it may be a large frame
            return action.value
        finally:
            operation.close()

    def _perform(self, action: Action) -> Any:
        if isinstance(action, Attempt):
            return self._channel.call(action.call, action.timeout_s)
        if isinstance(action, NextFrame):
            return next(action.frames, None)  # type: ignore[arg-type]  # none is asynchronous here
        return time.sleep(action.seconds)
