"""What `Client` and `AsyncClient` have in common: how they are made."""

from collections.abc import Callable
from typing import Generic, TypeVar

from data.detectors import FaceDetector
from data.faces import FaceOptions
from data.utils.errors import UsageError
from serving.channel import MAX_MESSAGE_BYTES
from serving.client.connection import Connection, Tls
from serving.client.session import Session
from serving.prediction import LARGE_FACE_SHARE, Payload

ChannelT = TypeVar("ChannelT")


class BaseClient(Generic[ChannelT]):
    """Asks one model of one server.

    Args:
        target: `host:port` of the server for gRPC; `http://host:port` or `https://host:port`
            for REST.
        model: name of the model.
        ask: what is sent. `tracks`: the faces are found here and their crops are sent.
            `frames`: whole frames are sent first, in which the server finds faces with the
            same detector, and gives no landmarks. The verdict is the same: in both cases
            `serving_tracks` judges the crops.
        detector: finds the faces if `ask` is `tracks`; MTCNN if None, as in the extraction.
        options: how many frames are sampled and which faces are usable; best the options that
            the model's training videos were extracted with.
        large_face_share: a video is not called real while a face that was not judged, and was
            seen in two sampled frames or more, is at least this share of the largest judged one;
            infinity to call it real all the same.
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

    _channels: tuple[Callable[[Connection], ChannelT], Callable[[Connection], ChannelT]]
    """Make the channel that carries the calls: over gRPC, and over REST."""

    def __init__(
        self,
        target: str,
        model: str,
        *,
        ask: Payload = "tracks",
        detector: FaceDetector | None = None,
        options: FaceOptions = FaceOptions(),  # noqa: B008 - frozen
        large_face_share: float = LARGE_FACE_SHARE,
        timeout_s: float = 60.0,
        tls: Tls | None = None,
        token: str | None = None,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
    ) -> None:
        if options.rotated_faces and ask == "frames":
            raise UsageError("rotated faces are found here alone: ask with tracks, not frames")
        connection = Connection(target, model, tls, token, max_message_bytes)
        self._session = Session(
            connection,
            payload=ask,
            detector=detector,
            options=options,
            large_face_share=large_face_share,
            timeout_s=timeout_s,
        )
        self._channel = self._channels[connection.is_rest](connection)


def no_progress(done: int, total: int | None) -> None:
    """Ignores progress."""
