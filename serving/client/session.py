"""What both clients do, apart from waiting: the operations that they run."""

import dataclasses
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any

import grpc
import numpy as np
import numpy.typing as npt

from data import contract
from data.contract import FaceCrop
from data.detectors import FaceDetector
from data.faces import FaceCollector, FaceOptions, VideoFaces, sampled_frame_count, sampled_frames
from data.ledger import Status
from data.utils.errors import UsageError
from data.utils.evenly_spread import evenly_spread
from data.video import Frame, UnreadableVideoError, Video
from serving.client import face_detection, verdicts
from serving.client.calls import FACES, Call, PredictCall, Signatures, SignaturesCall
from serving.client.connection import Connection
from serving.client.errors import CallError, ServingError
from serving.client.operations import NextFrame, Operation
from serving.client.retries import attempts
from serving.client.streaming import StreamMeter, TimedFrame
from serving.prediction import Payload, VideoFacts, VideoPrediction

SIGNATURE = "serving_tracks"

METADATA_TIMEOUT_S = 10.0
"""How long a client waits for a server that cannot be reached."""

_IMAGE_STARTS = (contract.JPEG_START, contract.PNG_START)

Progress = Callable[[int, int | None], None]
"""Called with the number of frames so far, and of all frames if it is known."""


@dataclasses.dataclass(frozen=True)
class _ServedVersion:
    """The version that is asked, and its signature `serving_tracks`.

    Attributes:
        number: of the version.
        track_width: how many faces of a track it takes.
        outputs: that are read, and their types.
    """

    number: int
    track_width: int
    outputs: Mapping[str, npt.DTypeLike]


class Session:
    """Operations that ask one model of one server; any number of them may run at a time.

    The arguments are those of `BaseClient`.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        payload: Payload,
        detector: FaceDetector | None,
        options: FaceOptions,
        large_face_share: float,
        timeout_s: float,
    ) -> None:
        self._connection = connection
        self._payload = payload
        self._detector = face_detection.LocalDetector(detector, rotated=options.rotated_faces)
        self._options = options
        self._large_face_share = large_face_share
        self._timeout_s = timeout_s

    def track_width(self) -> Operation[int]:
        """See `Client.track_width`."""
        return (yield from self._latest_version()).track_width

    def predict(
        self, path: str | os.PathLike[str], progress: Progress
    ) -> Operation[VideoPrediction]:
        """See `Client.predict`."""
        served = yield from self._latest_version()
        return (yield from self._predict_file(os.fspath(path), served, progress))

    def predict_one_of_many(self, path: str | os.PathLike[str]) -> Operation[VideoPrediction]:
        """Like `predict`, but a failure of this video or of one request is an abstention."""
        name = os.fspath(path)
        served = yield from self._latest_version()
        try:
            return (yield from self._predict_file(name, served, lambda done, total: None))
        except ServingError as error:
            if not error.concerns_one_request:
                raise
            late = error.code is grpc.StatusCode.DEADLINE_EXCEEDED
            status = Status.TIMEOUT if late else Status.CRASHED
            return verdicts.abstention(name, self._connection.model, status, str(error))
        except UsageError:
            raise  # the detector cannot be made, which is not the video's fault
        except Exception as error:  # noqa: BLE001 - one video must not stop the others
            reason = f"{type(error).__name__}: {error}"
            return verdicts.abstention(name, self._connection.model, Status.CRASHED, reason)

    def predict_stream(
        self,
        frames: Iterator[TimedFrame] | AsyncIterator[TimedFrame],
        name: str,
        progress: Progress,
    ) -> Operation[VideoPrediction]:
        """See `Client.predict_stream`."""
        served = yield from self._latest_version()
        collector = FaceCollector(self._options, faces_per_track=served.track_width)
        meter = StreamMeter()
        try:
            yield from self._collect(frames, collector, meter.add, progress, None)
            faces = collector.result(meter.measurements())
        except UnreadableVideoError as error:
            faces = VideoFaces(Status.UNREADABLE, str(error))
        return (yield from self._judge(name, faces, served))

    def predict_faces(self, path: str, video: VideoFaces) -> Operation[VideoPrediction]:
        """See `Client.predict_faces`."""
        return self._judge(path, video, None)

    def _predict_file(
        self, path: str, served: _ServedVersion, progress: Progress
    ) -> Operation[VideoPrediction]:
        try:
            video = Video(path)
            total = sampled_frame_count(video, self._options)
            collector = FaceCollector(self._options, faces_per_track=served.track_width)
            frames = sampled_frames(video, self._options)
            try:
                yield from self._collect(frames, collector, lambda frame: frame, progress, total)
            finally:
                frames.close()
            faces = collector.result(video.measurements)
        except FileNotFoundError:
            faces = VideoFaces(Status.MISSING, "there is no such file")
        except UnreadableVideoError as error:
            faces = VideoFaces(Status.UNREADABLE, str(error))
        return (yield from self._judge(path, faces, served))

    def _collect(
        self,
        frames: Iterator[Any] | AsyncIterator[Any],
        collector: FaceCollector,
        accept: Callable[[Any], Frame],
        progress: Progress,
        total: int | None,
    ) -> Operation[None]:
        """Finds the faces of all frames. Holds one frame, or those of one request."""
        batch: list[Frame] = []
        done = 0
        while (item := (yield NextFrame(frames))) is not None:
            batch.append(accept(item))
            del item
            if self._payload == "tracks" or face_detection.batch_is_full(batch):
                yield from self._collect_batch(batch, collector)
                done += len(batch)
                progress(done, total)
                batch = []
        if batch:
            yield from self._collect_batch(batch, collector)
            progress(done + len(batch), total)

    def _collect_batch(self, batch: list[Frame], collector: FaceCollector) -> Operation[None]:
        if self._payload == "tracks":
            faces = [self._detector.detect(frame) for frame in batch]
        else:
            outputs = yield from self._predict(face_detection.frames_call(batch))
            faces = face_detection.detected_faces(outputs)
        for frame, faces_in_frame in zip(batch, faces, strict=True):
            collector.add(frame, faces_in_frame)

    def _judge(
        self, path: str, video: VideoFaces, served: _ServedVersion | None
    ) -> Operation[VideoPrediction]:
        """Asks a version, the latest one if None, of the model about the usable faces."""
        model = self._connection.model
        if not video.usable_faces:
            facts = VideoFacts.of(video)
            return verdicts.abstention(path, model, video.status, video.reason, facts)
        if served is None:
            served = yield from self._latest_version()
        while True:
            tracks = _sample_tracks(video.usable_faces, served.track_width)
            try:
                outputs = yield from self._predict(_tracks_call(path, tracks, served))
            except ServingError as error:
                if error.code is not grpc.StatusCode.NOT_FOUND:
                    raise
                # The version may have been replaced by a newer one meanwhile.
                newest = yield from self._latest_version()
                if newest.number == served.number:
                    raise
                served = newest
            else:
                return verdicts.video_prediction(
                    path,
                    model,
                    served.number,
                    video,
                    tracks,
                    outputs,
                    self._large_face_share,
                )

    def _latest_version(self) -> Operation[_ServedVersion]:
        """Reads the signatures of the latest version."""
        timeout_s = min(self._timeout_s, METADATA_TIMEOUT_S)
        signatures = yield from self._call(SignaturesCall(), timeout_s)
        assert isinstance(signatures, Signatures)
        shape = signatures.shapes.get((SIGNATURE, FACES), ())
        if len(shape) != 2 or shape[1] < 1:
            raise self._error(
                grpc.StatusCode.FAILED_PRECONDITION,
                f"it has no signature '{SIGNATURE}' with an input 'faces' [n, faces of a track]: "
                "is it a model that unmask pushed?",
            )
        # Models that were exported by unmask 0.1.0 state no scope.
        states_scope = (SIGNATURE, verdicts.SCOPE_OUTPUT) in signatures.outputs
        scope = {verdicts.SCOPE_OUTPUT: "str"} if states_scope else {}
        return _ServedVersion(signatures.version, shape[1], {**verdicts.OUTPUTS, **scope})

    def _predict(self, call: PredictCall) -> Operation[dict[str, npt.NDArray]]:
        """Runs a signature, in several requests if one would be larger than a message may be."""
        answers = []
        for rows in self._split(call.values):
            part = dataclasses.replace(call, values=call.values[rows])
            answers.append((yield from self._call(part, self._timeout_s)))
        return {name: np.concatenate([answer[name] for answer in answers]) for name in call.outputs}

    def _split(self, values: npt.NDArray[np.object_]) -> list[slice]:
        """Divides rows of images into slices that each fit into a message."""
        starts, total = [0], 0
        limit = self._connection.max_image_bytes
        for row, images in enumerate(values.reshape(len(values), -1)):
            size = sum(map(len, images))
            if size > limit:
                raise self._error(
                    grpc.StatusCode.RESOURCE_EXHAUSTED,
                    f"one row of a request takes {size} bytes, but a message may have {limit}: "
                    "raise max_message_bytes here and the server's limit",
                )
            if total + size > limit:
                starts.append(row)
                total = 0
            total += size
        return [slice(*ends) for ends in zip(starts, [*starts[1:], len(values)], strict=True)]

    def _error(self, code: grpc.StatusCode, problem: str) -> ServingError:
        return ServingError(self._connection.target, self._connection.model, code, problem)

    def _call(self, call: Call, timeout_s: float) -> Operation[Any]:
        try:
            return (yield from attempts(call, timeout_s))
        except CallError as error:
            raise ServingError.from_call_error(error, self._connection) from error


def _sample_tracks(faces: Sequence[FaceCrop], width: int) -> list[list[FaceCrop]]:
    """At most `width` faces of each track, evenly spaced."""
    tracks = [list(track) for _, track in itertools.groupby(faces, key=lambda face: face.track)]
    return [[track[place] for place in evenly_spread(len(track), width)] for track in tracks]


def _tracks_call(
    path: str, tracks: Sequence[Sequence[FaceCrop]], served: _ServedVersion
) -> PredictCall:
    """Asks about tracks, padded to the model's width: a server batches rows of one width only."""
    faces = np.full([len(tracks), served.track_width], b"", object)
    for row, track in enumerate(tracks):
        for column, face in enumerate(track):
            if not face.image.startswith(_IMAGE_STARTS):
                raise ValueError(f"{path}: the face at {face.time_s:.2f} s is neither JPEG nor PNG")
            faces[row, column] = face.image
    return PredictCall(SIGNATURE, FACES, faces, served.outputs, served.number)
