"""What the clients do, apart from waiting: they drive the generators of `Session`.

A generator yields what is to be done next, `Attempt`, `Sleep` or `NextFrame`; its driver does it,
blocking or not, and sends what came of it or throws what went wrong.
"""

import dataclasses
import itertools
import math
import os
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from typing import Any, TypeVar

import grpc
import numpy as np
import numpy.typing as npt

from data import contract
from data.contract import FaceCrop
from data.detectors.base import FaceDetector
from data.faces.collector import FaceCollector
from data.faces.extract import looked_at
from data.faces.types import FaceOptions, Measurements, VideoFaces
from data.ledger import Status
from data.utils.errors import UsageError
from data.utils.evenly_spread import evenly_spread
from data.video import Frame, UnreadableVideoError, Video
from serving.client import face_detection, verdicts
from serving.client.calls import FACES, Call, PredictCall, Signatures, SignaturesCall
from serving.client.connection import Connection
from serving.client.errors import CallError, ServingError
from serving.client.retries import Attempt, Sleep, attempts
from serving.client.streaming import StreamMeter, TimedFrame
from serving.prediction import VideoFacts, VideoPrediction

SIGNATURE = "serving_tracks"

METADATA_TIMEOUT_S = 10.0
"""How long a server that is not there is waited for."""

_IMAGE_STARTS = (contract.JPEG_START, contract.PNG_START)

ReturnT = TypeVar("ReturnT")
Progress = Callable[[int, int | None], None]


@dataclasses.dataclass(frozen=True)
class NextFrame:
    """Asks the driver for the next of `frames`; None if there is none."""

    frames: Iterator[Any] | AsyncIterator[Any]


Step = Attempt | Sleep | NextFrame
Steps = Generator[Step, Any, ReturnT]


@dataclasses.dataclass(frozen=True)
class _Served:
    """The version that is asked, and the faces in a row of its `serving_tracks`."""

    version: int
    width: int


class Session:
    """Asks one model of one server.

    Every method returns a generator; those of one session may be driven at the same time.

    Args:
        connection: whom to ask.
        ask: where faces are found.
        detector: finds them if `ask` is `tracks`; MTCNN if None.
        options: how many frames are looked at, and which faces are good enough.
        timeout_s: for one request, retries included.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        ask: face_detection.Ask,
        detector: FaceDetector | None,
        options: FaceOptions,
        timeout_s: float,
    ) -> None:
        self._connection = connection
        self._ask = ask
        self._search = face_detection.LocalSearch(detector)
        self._options = options
        self._timeout_s = timeout_s

    def track_width(self) -> Steps[int]:
        """See `Client.track_width`."""
        return (yield from self._served()).width

    def predict(self, path: str | os.PathLike[str], progress: Progress) -> Steps[VideoPrediction]:
        """See `Client.predict`."""
        served = yield from self._served()
        return (yield from self._predict_file(os.fspath(path), served, progress))

    def predict_one_of_many(self, path: str | os.PathLike[str]) -> Steps[VideoPrediction]:
        """As `predict`, but whatever the video or one request is to blame for is an abstention."""
        name = os.fspath(path)
        served = yield from self._served()
        try:
            return (yield from self._predict_file(name, served, lambda done, total: None))
        except ServingError as error:
            if not error.of_one_request:
                raise
            late = error.code is grpc.StatusCode.DEADLINE_EXCEEDED
            status = Status.TIMEOUT if late else Status.CRASHED
            return verdicts.abstention(name, self._connection.model, status, str(error))
        except UsageError:
            raise  # the detector cannot be made
        except Exception as error:  # noqa: BLE001 - one video must never end the other 999
            reason = f"{type(error).__name__}: {error}"
            return verdicts.abstention(name, self._connection.model, Status.CRASHED, reason)

    def predict_stream(
        self,
        frames: Iterator[TimedFrame] | AsyncIterator[TimedFrame],
        name: str,
        progress: Progress,
    ) -> Steps[VideoPrediction]:
        """See `Client.predict_stream`."""
        served = yield from self._served()
        collector = FaceCollector(self._options, faces_per_track=served.width)
        meter = StreamMeter()
        try:
            yield from self._collect(
                frames, collector, meter.add, lambda done: progress(done, None)
            )
            found = collector.result(meter.measurements())
        except UnreadableVideoError as error:
            found = VideoFaces(Status.UNREADABLE, str(error))
        return (yield from self._judge(name, found, served))

    def predict_faces(self, path: str, video: VideoFaces) -> Steps[VideoPrediction]:
        """See `Client.predict_faces`."""
        if not video.usable_faces:
            return verdicts.abstention(
                path, self._connection.model, video.status, video.reason, VideoFacts.of(video)
            )
        served = yield from self._served()
        return (yield from self._judge(path, video, served))

    def _predict_file(
        self, path: str, served: _Served, progress: Progress
    ) -> Steps[VideoPrediction]:
        try:
            video = Video(path)
            total = _frames_looked_at(video, self._options)
            collector = FaceCollector(self._options, faces_per_track=served.width)
            frames = looked_at(video, self._options)
            try:
                yield from self._collect(
                    frames, collector, lambda frame: frame, lambda done: progress(done, total)
                )
            finally:
                frames.close()
            found = collector.result(Measurements.of(video))
        except FileNotFoundError:
            found = VideoFaces(Status.MISSING, "there is no such file")
        except UnreadableVideoError as error:
            found = VideoFaces(Status.UNREADABLE, str(error))
        return (yield from self._judge(path, found, served))

    def _collect(
        self,
        frames: Iterator[Any] | AsyncIterator[Any],
        collector: FaceCollector,
        accept: Callable[[Any], Frame],
        progress: Callable[[int], None],
    ) -> Steps[None]:
        """Finds the faces of all frames, of which it holds one, or those of one request."""
        batch: list[Frame] = []
        done = 0
        while (item := (yield NextFrame(frames))) is not None:
            frame = accept(item)
            del item
            if self._ask == "tracks":
                collector.add(frame, self._search.find(frame))
                done += 1
                progress(done)
            else:
                batch.append(frame)
                if face_detection.batch_is_full(batch):
                    yield from self._collect_batch(batch, collector)
                    done += len(batch)
                    progress(done)
                    batch = []
            del frame
        if batch:
            yield from self._collect_batch(batch, collector)
            progress(done + len(batch))

    def _collect_batch(self, batch: list[Frame], collector: FaceCollector) -> Steps[None]:
        outputs = yield from self._predict(face_detection.frames_call(batch))
        for frame, faces in zip(batch, face_detection.faces_in(outputs), strict=True):
            collector.add(frame, faces)

    def _judge(self, path: str, video: VideoFaces, served: _Served) -> Steps[VideoPrediction]:
        """Asks the model about the usable faces; all of a video's answers are of one version."""
        model = self._connection.model
        if not video.usable_faces:
            return verdicts.abstention(
                path, model, video.status, video.reason, VideoFacts.of(video)
            )
        while True:
            tracks = _sample_tracks(video.usable_faces, served.width)
            try:
                outputs = yield from self._predict(_tracks_call(path, tracks, served))
            except ServingError as error:
                if error.code is not grpc.StatusCode.NOT_FOUND:
                    raise
                # Since it was looked up, the version may have made way for a newer one.
                newest = yield from self._served()
                if newest.version == served.version:
                    raise
                served = newest
            else:
                return verdicts.video_prediction(
                    path, model, served.version, video, tracks, outputs
                )

    def _served(self) -> Steps[_Served]:
        """What the latest version takes."""
        timeout_s = min(self._timeout_s, METADATA_TIMEOUT_S)
        signatures = yield from self._call(SignaturesCall(), timeout_s)
        assert isinstance(signatures, Signatures)
        shape = signatures.shapes.get((SIGNATURE, FACES), ())
        if len(shape) != 2 or shape[1] < 1:
            raise ServingError.no_tracks(self._connection.target, self._connection.model, SIGNATURE)
        return _Served(signatures.version, shape[1])

    def _predict(self, call: PredictCall) -> Steps[dict[str, npt.NDArray]]:
        """Runs a signature, in as many requests as the limit of a message asks for."""
        answers = []
        for rows in self._split(call.values):
            part = dataclasses.replace(call, values=call.values[rows])
            answers.append((yield from self._call(part, self._timeout_s)))
        return {name: np.concatenate([answer[name] for answer in answers]) for name in call.outputs}

    def _split(self, values: npt.NDArray[np.object_]) -> list[slice]:
        """Cuts rows of pictures into runs that fit into a message each."""
        starts, held = [0], 0
        limit = self._connection.max_picture_bytes
        for row, pictures in enumerate(values.reshape(len(values), -1)):
            size = sum(map(len, pictures))
            if size > limit:
                raise ServingError.too_large(
                    self._connection.target, self._connection.model, size, limit
                )
            if held + size > limit:
                starts.append(row)
                held = 0
            held += size
        return [slice(*ends) for ends in zip(starts, [*starts[1:], len(values)], strict=True)]

    def _call(self, call: Call, timeout_s: float) -> Steps[Any]:
        try:
            return (yield from attempts(call, timeout_s))
        except CallError as error:
            raise ServingError.of(error, self._connection.target, self._connection.model) from error


def _sample_tracks(faces: Sequence[FaceCrop], width: int) -> list[list[FaceCrop]]:
    """The faces of each track, at most `width` of them."""
    tracks = [list(track) for _, track in itertools.groupby(faces, key=lambda face: face.track)]
    return [[track[place] for place in evenly_spread(len(track), width)] for track in tracks]


def _tracks_call(path: str, tracks: Sequence[Sequence[FaceCrop]], served: _Served) -> PredictCall:
    """Asks about tracks, padded to the model's width: a server merges rows of one width only."""
    faces = np.full([len(tracks), served.width], b"", object)
    for row, track in enumerate(tracks):
        for column, face in enumerate(track):
            if not face.image.startswith(_IMAGE_STARTS):
                raise ValueError(f"{path}: the face at {face.time_s:.2f} s is neither JPEG nor PNG")
            faces[row, column] = face.image
    return PredictCall(SIGNATURE, FACES, faces, verdicts.OUTPUTS, served.version)


def _frames_looked_at(video: Video, options: FaceOptions) -> int:
    """How many frames of a video there are to look at, if all can be decoded."""
    if options.every_nth_frame is None:
        return min(options.frames_per_video, video.packets)
    return math.ceil(video.packets / options.every_nth_frame)
