"""A video in, a verdict out: finds the faces here, asks a model server about them."""

import itertools
import math
import os
import random
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from data import contract, tracking
from data.contract import FaceCrop
from data.detectors import registry as detectors
from data.detectors.base import FaceDetector
from data.faces import FaceOptions, VideoFaces, extract_faces
from data.ledger import Status
from serving.channel import MESSAGE_OPTIONS
from serving.errors import ServingError
from serving.prediction import (
    FramePrediction,
    TrackPrediction,
    Verdict,
    VideoFacts,
    VideoPrediction,
)

SIGNATURE = "serving_tracks"

_VERDICTS = {
    contract.Verdict.REAL: Verdict.REAL,
    contract.Verdict.FAKE: Verdict.FAKE,
    contract.Verdict.UNCERTAIN: Verdict.UNCERTAIN,
    contract.Verdict.UNREADABLE: Verdict.ABSTAIN,
}

_IMAGE_STARTS = (contract.JPEG_START, contract.PNG_START)

METADATA_TIMEOUT_S = 10.0
"""How long a server that is not there is waited for."""

_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 2.0


class Client:
    """Asks a model server about videos, with faces cut out as for training.

    Works with TensorFlow Serving and with `serving.server`.

    Example:
        with Client("localhost:8500", "xception") as client:
            prediction = client.predict("clip.mp4")
            print(prediction.verdict, prediction.fake_probability)

    Args:
        target: `host:port` of the server.
        model: name of the model.
        detector: finds the faces; MTCNN if None, as in the extraction.
        options: how many frames are looked at and which faces are good enough; best those
            that the model's training videos were extracted with.
        timeout_s: for one request, retries included; at most `METADATA_TIMEOUT_S` for the
            first, which asks for nothing but the signatures. A request that finds the server
            unavailable is sent again until then; no other failure is retried.
    """

    def __init__(
        self,
        target: str,
        model: str,
        *,
        detector: FaceDetector | None = None,
        options: FaceOptions = FaceOptions(),  # noqa: B008 - frozen
        timeout_s: float = 60.0,
    ) -> None:
        self._target = target
        self._model = model
        self._detector = detector
        self._options = options
        self._timeout_s = timeout_s
        # A channel on its own waits ever longer, up to minutes, before it connects again.
        reconnect = ("grpc.max_reconnect_backoff_ms", int(1000 * _LONGEST_DELAY_S))
        self._channel = grpc.insecure_channel(target, options=[*MESSAGE_OPTIONS, reconnect])
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

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

    def predict(self, path: str | os.PathLike[str]) -> VideoPrediction:
        """Asks the model about a video; a bad video is an abstention, not an error.

        Args:
            path: the video file.

        Returns:
            The verdict with scores for every track and frame.

        Raises:
            ServingError: the server or the model cannot be asked.
        """
        width = self.track_width()
        if self._detector is None:
            self._detector = detectors.create("mtcnn")
        name = os.fspath(path)
        return self.predict_faces(name, extract_faces(name, self._detector, self._options), width)

    def track_width(self) -> int:
        """Number of faces in a row of the model's `serving_tracks`.

        Raises:
            ServingError: the server or the model cannot be asked, or the model has no
                such signature.
        """
        request = get_model_metadata_pb2.GetModelMetadataRequest()
        request.model_spec.name = self._model
        request.metadata_field.append("signature_def")
        timeout_s = min(self._timeout_s, METADATA_TIMEOUT_S)
        response = self._call(self._stub.GetModelMetadata, request, timeout_s)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        dimensions = signatures.signature_def[SIGNATURE].inputs["faces"].tensor_shape.dim
        if len(dimensions) != 2 or dimensions[1].size < 1:
            raise ServingError.no_tracks(self._target, self._model, SIGNATURE)
        return dimensions[1].size

    def predict_faces(self, path: str, video: VideoFaces, width: int) -> VideoPrediction:
        """Asks the model about the usable faces of a video.

        Args:
            path: of the video, for the answer and for messages.
            video: what was found in it.
            width: faces in a row of `serving_tracks`; of longer tracks this many are
                scored, evenly spread.

        Returns:
            The verdict; an abstention if no face is usable.

        Raises:
            ServingError: the server or the model cannot be asked.
            ValueError: a face is neither JPEG nor PNG.
        """
        faces = video.usable_faces
        if not faces:
            return VideoPrediction(
                *(path, self._model, None, Verdict.ABSTAIN, None, video.status, video.reason),
                facts=VideoFacts.of(video),
            )
        tracks = [list(track) for _, track in itertools.groupby(faces, key=lambda face: face.track)]
        seen = [len(track) for track in tracks]
        tracks = [
            [track[position] for position in tracking.evenly_spread(len(track), width)]
            for track in tracks
        ]
        response = self._call(
            self._stub.Predict, self._request(path, tracks, width), self._timeout_s
        )
        outputs = {name: tf.make_ndarray(value) for name, value in response.outputs.items()}
        predictions = tuple(
            _track_prediction(track, *scores)
            for track, *scores in zip(
                tracks,
                seen,
                outputs["fake_probability"].tolist(),
                outputs["verdict"].tolist(),
                outputs["face_probability"].tolist(),
                strict=True,
            )
        )
        return _video_prediction(
            path, self._model, response.model_spec.version.value, video, predictions
        )

    def _request(
        self, path: str, tracks: Sequence[Sequence[FaceCrop]], width: int
    ) -> predict_pb2.PredictRequest:
        faces = np.full([len(tracks), width], b"", object)
        for row, track in enumerate(tracks):
            for column, face in enumerate(track):
                if not face.image.startswith(_IMAGE_STARTS):
                    raise ValueError(
                        f"{path}: the face at {face.time_s:.2f} s is neither JPEG nor PNG"
                    )
                faces[row, column] = face.image
        request = predict_pb2.PredictRequest()
        request.model_spec.name = self._model
        request.model_spec.signature_name = SIGNATURE
        request.inputs["faces"].CopyFrom(tf.make_tensor_proto(faces, dtype=tf.string))
        request.output_filter.extend(("fake_probability", "verdict", "face_probability"))
        return request

    def _call(self, method: Callable[..., Any], request: Any, timeout_s: float) -> Any:
        """Sends a request, again while the server is unavailable and there is time."""
        deadline = time.monotonic() + timeout_s
        delay = _FIRST_DELAY_S
        while True:
            try:
                return method(request, timeout=max(0.0, deadline - time.monotonic()))
            except grpc.RpcError as error:
                pause = delay * random.uniform(0.5, 1.0)  # clients must not come back in step
                unavailable = error.code() is grpc.StatusCode.UNAVAILABLE
                if not unavailable or time.monotonic() + pause >= deadline:
                    raise ServingError.of(error, self._target, self._model) from error
            time.sleep(pause)
            delay = min(2 * delay, _LONGEST_DELAY_S)


def _track_prediction(
    faces: Sequence[FaceCrop],
    seen: int,
    fake_probability: float,
    verdict: int,
    face_probability: Sequence[float],
) -> TrackPrediction:
    probability = _number(fake_probability)
    scored = list(zip(faces, face_probability, strict=False))  # padding ends a row
    highest, _ = max(scored, key=lambda pair: -1.0 if math.isnan(pair[1]) else pair[1])
    return TrackPrediction(
        verdict=Verdict.ABSTAIN if probability is None else _VERDICTS[contract.Verdict(verdict)],
        fake_probability=probability,
        frames=tuple(
            FramePrediction(face.time_s, face.box, _number(score), face.score, face.landmarks)
            for face, score in scored
        ),
        faces_seen=seen,
        picture=highest.image,
    )


def _video_prediction(
    path: str,
    model: str,
    version: int,
    video: VideoFaces,
    tracks: tuple[TrackPrediction, ...],
) -> VideoPrediction:
    """A video's answer is that of its track with the largest score.

    Unless that is fake, every track must have been read: an unread one may be the fake.
    """
    scored = [track for track in tracks if track.fake_probability is not None]
    worst = max(scored, key=lambda track: track.fake_probability or 0.0, default=None)
    if worst is None or (len(scored) < len(tracks) and worst.verdict is not Verdict.FAKE):
        unread = len(tracks) - len(scored)
        return VideoPrediction(
            path,
            model,
            version,
            Verdict.ABSTAIN,
            None,
            Status.UNREADABLE,
            f"the model could not read the faces of {unread} of {len(tracks)} people",
            tracks,
            VideoFacts.of(video),
        )
    return VideoPrediction(
        path,
        model,
        version,
        worst.verdict,
        worst.fake_probability,
        video.status,
        video.reason,
        tracks,
        VideoFacts.of(video),
    )


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
