"""A generator of steps, and what both drivers of it are made with."""

import abc
import dataclasses
from typing import Any, Generic, TypeVar

from data.detectors.base import FaceDetector
from data.faces.types import FaceOptions
from serving.channel import MAX_MESSAGE_BYTES
from serving.client.connection import Connection, Tls
from serving.client.face_detection import Ask
from serving.client.session import Session, Step, Steps

ReturnT = TypeVar("ReturnT")
ChannelT = TypeVar("ChannelT")


@dataclasses.dataclass(frozen=True)
class Done(Generic[ReturnT]):
    """What a generator returned."""

    value: ReturnT


class Conversation(Generic[ReturnT]):
    """A generator whose end is an object: asyncio lets no StopIteration out of a thread."""

    def __init__(self, steps: Steps[ReturnT]) -> None:
        self._steps = steps

    def go_on(self, answer: Any = None) -> Step | Done[ReturnT]:
        """Sends what came of the last step; nothing before the first."""
        try:
            return self._steps.send(answer)
        except StopIteration as end:
            return Done(end.value)

    def fail(self, error: Exception) -> Step | Done[ReturnT]:
        """Throws what went wrong in the last step."""
        try:
            return self._steps.throw(error)
        except StopIteration as end:
            return Done(end.value)

    def close(self) -> None:
        """Ends it, done or not."""
        self._steps.close()


class BaseClient(abc.ABC, Generic[ChannelT]):
    """What is common to `Client` and `AsyncClient`.

    Args:
        target: `host:port` of the server for gRPC; `http://host:port` or `https://host:port`
            for REST.
        model: name of the model.
        ask: `tracks` finds the faces here and sends their crops; `frames` sends whole frames, in
            which the server finds them with the detector of the same graph, so that nothing
            but decoding and tracking is done here. Either way the tracks are joined here, the
            crops are cut here, and the same `serving_tracks` judges them: the pooling, the
            calibration and the thresholds are the model's own. (A face's own probability, which
            `serving_frames` gives too, cannot be pooled to a track's: a model may pool
            logits by other rules than the mean, or by a sequence head, and tells no
            thresholds.) Frames are sent as PNG, so that the faces are the same to the pixel; the
            server tells at most 8 faces of a frame, and no landmarks.
        detector: finds the faces if `ask` is `tracks`; MTCNN if None, as in the extraction.
        options: how many frames are looked at and which faces are good enough; best those
            that the model's training videos were extracted with.
        timeout_s: for one request, retries included; at most `session.METADATA_TIMEOUT_S` for
            the first, which asks for nothing but the signatures. A request that finds the server
            unavailable or its queue full is sent again until then, ever later; no other failure
            is retried.
        tls: encrypts, and proves who the client is; None for a plain connection, or for the
            system's authorities if `target` is https.
        token: bearer token, for a server that asks for one.
        max_message_bytes: largest request and response; larger requests are split.

    Raises:
        UsageError: the connection's options do not fit together, or a file cannot be read.
    """

    def __init__(
        self,
        target: str,
        model: str,
        *,
        ask: Ask = "tracks",
        detector: FaceDetector | None = None,
        options: FaceOptions = FaceOptions(),  # noqa: B008 - frozen
        timeout_s: float = 60.0,
        tls: Tls | None = None,
        token: str | None = None,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
    ) -> None:
        connection = Connection(target, model, tls, token, max_message_bytes)
        self._session = Session(
            connection, ask=ask, detector=detector, options=options, timeout_s=timeout_s
        )
        self._channel = self._open(connection)

    @abc.abstractmethod
    def _open(self, connection: Connection) -> ChannelT:
        """Makes what carries the calls."""


def no_progress(done: int, total: int | None) -> None:
    """For a caller who wants to hear nothing."""
