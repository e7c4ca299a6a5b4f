"""What `Client` and `AsyncClient` have in common: how they are made."""

import abc
from typing import Generic, TypeVar

from data.detectors import FaceDetector
from data.faces import FaceOptions
from serving.channel import MAX_MESSAGE_BYTES
from serving.client.connection import Connection, Tls
from serving.client.session import Session
from serving.prediction import Payload

ChannelT = TypeVar("ChannelT")


class BaseClient(abc.ABC, Generic[ChannelT]):
    """Asks one model of one server.

    Args:
        target: `host:port` of the server for gRPC; `http://host:port` or `https://host:port`
            for REST.
        model: name of the model.
        ask: what is sent. `tracks`: the faces are found here and their crops are sent.
            `frames`: whole frames are sent first, in which the server finds the faces with the
            same detector, so that only decoding, tracking and cropping happen here. The verdict
            is the same: in both cases `serving_tracks` judges the crops, since only the model
            knows its pooling, calibration and thresholds. Frames are sent as PNG, so that the
            faces are the same to the pixel; the server finds at most 8 faces in a frame and
            gives no landmarks.
        detector: finds the faces if `ask` is `tracks`; MTCNN if None, as in the extraction.
        options: how many frames are sampled and which faces are usable; best the options that
            the model's training videos were extracted with.
        timeout_s: for one request, retries included; the first request, for the model's
            signatures, has at most `session.METADATA_TIMEOUT_S`. A request is repeated, with
            growing delays, while the server is unavailable or its queue is full; after any
            other failure it is not.
        tls: encrypts, and proves who the client is; None for a plain connection, or for the
            system's authorities if `target` is https.
        token: bearer token, for a server that asks for one.
        max_message_bytes: largest request and response; larger requests are split.

    Raises:
        UsageError: the connection's options contradict each other, or a file cannot be read.
    """

    def __init__(
        self,
        target: str,
        model: str,
        *,
        ask: Payload = "tracks",
        detector: FaceDetector | None = None,
        options: FaceOptions = FaceOptions(),  # noqa: B008 - frozen
        timeout_s: float = 60.0,
        tls: Tls | None = None,
        token: str | None = None,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
    ) -> None:
        connection = Connection(target, model, tls, token, max_message_bytes)
        self._session = Session(
            connection, payload=ask, detector=detector, options=options, timeout_s=timeout_s
        )
        self._channel = self._open(connection)

    @abc.abstractmethod
    def _open(self, connection: Connection) -> ChannelT:
        """Makes the channel that carries the calls."""


def no_progress(done: int, total: int | None) -> None:
    """Ignores progress."""
