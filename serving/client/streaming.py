"""Reads frames from a camera, a network stream or a file, as they arrive."""

import math
import os
from collections.abc import Iterator, Mapping

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.stream import VideoStream

from data.contract import Measurements
from data.video import (
    MAX_PIXELS,
    Frame,
    FrameConverter,
    UnreadableVideoError,
    open_container,
    read_packets,
)

TimedFrame = tuple[float, npt.NDArray[np.uint8]]
"""Seconds, never less than those of the frame before, and RGB pixels, uint8 [height, width, 3]."""


_ROUNDING_S = 1e-6


def open_source(
    source: str | os.PathLike[str],
    *,
    frames_per_second: float = 5.0,
    max_seconds: float = math.inf,
    format: str | None = None,
    options: Mapping[str, str] | None = None,
    timeout_s: float = 10.0,
) -> Iterator[TimedFrame]:
    """Opens a camera, a network stream or a file, for `Client.predict_stream`.

    The source is read once, in order, and only as fast as its frames are consumed. Frames of a
    faster live source wait in buffers of the system or of the sender, so choose a rate that the
    detector can keep up with. Packets and frames that cannot be decoded are skipped.

    Example:
        client.predict_stream(open_source("/dev/video0", format="v4l2", max_seconds=10))
        client.predict_stream(
            open_source("rtsp://camera/1", options={"rtsp_transport": "tcp"}, max_seconds=10)
        )
        client.predict_stream(open_source("clip.mp4"))

    Args:
        source: path of a file or device, or URL that FFmpeg opens.
        frames_per_second: maximum rate; frames are sampled evenly.
        max_seconds: where the stream ends, by the times of its frames.
        format: FFmpeg's name of the device or container; None to detect it.
        options: FFmpeg's options for the protocol, device or container.
        timeout_s: for opening it, and for each read.

    Returns:
        (time, image) of each frame: seconds from the first one, and RGB pixels.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableVideoError: it cannot be opened, or contains no video.
    """
    container = _open(os.fspath(source), format, dict(options or {}), timeout_s)
    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream):
        container.close()
        raise UnreadableVideoError("there is no video stream in it")
    return _read(container, stream, frames_per_second, max_seconds)


class StreamMeter:
    """Checks the frames of a stream and measures them."""

    def __init__(self) -> None:
        self._count = 0
        self._first_s = self._last_s = 0.0
        self._height = self._width = 0

    def add(self, timed: TimedFrame) -> Frame:
        """Takes the next frame.

        Raises:
            ValueError: it is not an RGB image, or is earlier than the frame before.
        """
        time_s, image = timed
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise ValueError(
                f"the frame at {time_s:.2f} s is {image.dtype} {list(image.shape)}; give RGB "
                "pixels, uint8 [height, width, 3], 0 to 255"
            )
        if self._count == 0:
            self._first_s = time_s
        elif not time_s >= self._last_s:
            raise ValueError(f"a frame at {time_s:.2f} s follows one at {self._last_s:.2f} s")
        self._last_s = time_s
        self._count += 1
        self._height, self._width = image.shape[:2]
        return Frame(time_s, image)

    def measurements(self) -> Measurements:
        """Measurements of the frames; what only a container would state is 0."""
        span_s = self._last_s - self._first_s
        fps = (self._count - 1) / span_s if span_s > 0 else 0.0
        return Measurements(
            width=self._width,
            height=self._height,
            fps=fps,
            duration_s=span_s + (1 / fps if fps > 0 else 0.0),
            frames_decoded=self._count,
        )


def _open(
    source: str, format: str | None, options: dict[str, str], timeout_s: float
) -> InputContainer:
    if "://" not in source and format is None:
        if not os.path.exists(source):
            raise FileNotFoundError(source)
        return open_container(source, **options)
    limits = {"max_pixels": str(MAX_PIXELS)}
    try:
        return av.open(source, format=format, options=limits | options, timeout=timeout_s)
    except (av.FFmpegError, ValueError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnreadableVideoError(f"{source} cannot be opened: {reason}") from error


def _read(
    container: InputContainer, stream: VideoStream, frames_per_second: float, max_seconds: float
) -> Iterator[TimedFrame]:
    converter = FrameConverter(stream)
    stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    first_s: float | None = None
    time_s = due_s = 0.0
    with container:
        for frame in _decode(container, stream):
            if frame.time is not None:
                first_s = frame.time if first_s is None else first_s
                time_s = max(time_s, frame.time - first_s)  # a live clock may be set back
            if time_s >= max_seconds:
                return
            if time_s >= due_s - _ROUNDING_S:
                # Counted from the due time: no frame is lost where the rates do not divide evenly.
                due_s = max(due_s + 1 / frames_per_second, time_s)
                yield time_s, converter.to_rgb(frame)


def _decode(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    for packet in read_packets(container, stream):
        if packet is not None:
            yield from _whole_frames(stream, packet)
    yield from _whole_frames(stream, None)


def _whole_frames(stream: VideoStream, packet: av.Packet | None) -> list[av.VideoFrame]:
    """Frames that a packet completes; with None, those still in the decoder."""
    try:
        return [frame for frame in stream.decode(packet) if not frame.is_corrupt]
    except av.FFmpegError:
        return []
