"""Reading a video: what it holds, and frames of it evenly spaced in time.

A file is read twice. The first pass looks at packets alone, which costs milliseconds, and learns
the presentation times that are really there: containers lie about counts and durations. The
second decodes in order, packet by packet, so that damage is counted and survived; seeking to each
frame would decode again from every key frame.
"""

import bisect
import dataclasses
import os
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt


class UnreadableVideoError(Exception):
    """The file cannot be opened as a video, or holds no video; the message says why."""


@dataclasses.dataclass(frozen=True)
class Frame:
    """One decoded frame.

    Attributes:
        time_s: presentation time in seconds, from the start of the stream.
        image: uint8 [height, width, 3], RGB, 0 to 255, upright.
    """

    time_s: float
    image: npt.NDArray[np.uint8]


class Video:
    """A video file whose frames are read once, in order.

    Attributes:
        frames_declared: frames that the container's index claims, or, without an index,
            packets that it holds.
        packets: video packets that are really there.
        frames_decoded: frames decoded so far.
        frames_damaged: packets and frames so far that could not be decoded whole.
        width: pixels after rotation, 0 before the first frame.
        height: pixels after rotation, 0 before the first frame.

    Args:
        path: a local file.
        decoding_threads: threads of the decoder; 0 lets it choose.

    Raises:
        FileNotFoundError: there is no file at `path`.
        UnreadableVideoError: it is no video.
    """

    def __init__(self, path: str, *, decoding_threads: int = 1) -> None:
        if not os.path.lexists(path):
            raise FileNotFoundError(path)
        if not os.path.isfile(path):
            raise UnreadableVideoError("not a file")
        self._size_bytes = os.path.getsize(path)
        if self._size_bytes == 0:
            raise UnreadableVideoError("the file is empty")
        self._path = path
        self._decoding_threads = decoding_threads
        self._last_s: float | None = None
        self._first_s: float | None = None
        self.frames_decoded = 0
        self.frames_damaged = 0
        self.width = 0
        self.height = 0
        with self._open() as container:
            stream = container.streams.video[0]
            self._time_base = stream.time_base or Fraction(1, 1000)
            indexed = bool(stream.frames)
            declared_s = _declared_duration_s(container, stream)
            self._positions = _packet_positions(container, stream)
            self.packets = len(self._positions)
            self.frames_declared = stream.frames or self.packets
            self._frame_s = 1.0 / float(stream.average_rate or stream.guessed_rate or 25)
        if self.packets == 0:
            raise UnreadableVideoError("the video stream holds no frame")
        covered_s = float((self._positions[-1] - self._positions[0]) * self._time_base)
        # Matroska and WebM have no index of frames, but a duration.
        self._cut_short = not indexed and covered_s + self._frame_s < 0.9 * declared_s

    @property
    def truncated(self) -> bool:
        """Whether the file ends well before the index or duration in its header."""
        return self._cut_short or self.packets < 0.95 * self.frames_declared

    @property
    def fps(self) -> float:
        """Frames a second between the first and the last frame decoded; 0 if not known."""
        span = self._span_s()
        return (self.frames_decoded - 1) / span if span > 0 else 0.0

    @property
    def duration_s(self) -> float:
        """Seconds from the first frame decoded to the end of the last; 0 if there is none."""
        if self.frames_decoded == 0:
            return 0.0
        return self._span_s() + (1.0 / self.fps if self.fps > 0 else self._frame_s)

    @property
    def bit_rate(self) -> float:
        """Size of the file over its measured duration, bits a second."""
        return 8.0 * self._size_bytes / self.duration_s if self.duration_s > 0 else 0.0

    def sample(self, count: int) -> Iterator[Frame]:
        """Decodes the whole video and yields frames evenly spaced in time.

        The time line is cut into `count` equal parts, and the frame shown in the middle of
        each is taken; a frame that is lost is replaced by the next one decoded.

        Args:
            count: frames wanted, 1 or more; shorter videos yield every frame once.

        Yields:
            Frames in presentation order.
        """
        pending = _middles(self._positions, count)
        for frame, position in self._decode():
            if pending and position >= pending[0]:
                pending = pending[bisect.bisect_right(pending, position) :]
                yield Frame(float(position * self._time_base), _upright(frame))

    def _open(self) -> av.container.InputContainer:
        try:
            # The prefix and the whitelist keep a hostile name or playlist on local files.
            container = av.open(
                f"file:{self._path}",
                options={"protocol_whitelist": "file"},
                metadata_errors="replace",
            )
        except (av.FFmpegError, ValueError, OSError) as error:
            raise UnreadableVideoError(f"cannot be opened as a video: {_plain(error)}") from error
        if not container.streams.video:
            container.close()
            raise UnreadableVideoError("there is no video stream in it")
        return container

    def _decode(self) -> Iterator[tuple[av.VideoFrame, int]]:
        """Decodes in order; yields each whole frame with its position in time base units."""
        with self._open() as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = self._decoding_threads
            stream.thread_type = "AUTO"
            for packet in _packets(container, stream):
                try:
                    frames = packet.decode()
                except av.FFmpegError:
                    self.frames_damaged += 1
                    continue
                for frame in frames:
                    if frame.is_corrupt:
                        self.frames_damaged += 1
                        continue
                    yield frame, self._count(frame)

    def _count(self, frame: av.VideoFrame) -> int:
        position = frame.pts
        if position is None:
            position = self._positions[min(self.frames_decoded, self.packets - 1)]
        time_s = float(position * self._time_base)
        if self._first_s is None:
            self._first_s = time_s
            turned = frame.rotation % 180 != 0
            self.width = frame.height if turned else frame.width
            self.height = frame.width if turned else frame.height
        self._last_s = time_s
        self.frames_decoded += 1
        return position

    def _span_s(self) -> float:
        if self._first_s is None or self._last_s is None:
            return 0.0
        return max(self._last_s - self._first_s, 0.0)


def _packets(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> Iterator[av.Packet]:
    """Packets up to the end, or to where the container can be read no further."""
    packets = container.demux(stream)
    while True:
        try:
            yield next(packets)
        except (StopIteration, av.FFmpegError):
            return


def _packet_positions(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> list[int]:
    """Presentation times of the packets, sorted; their order where they carry no time."""
    positions: list[int] = []
    for packet in _packets(container, stream):
        if packet.size == 0:  # what tells the decoder to flush
            continue
        position = packet.pts if packet.pts is not None else packet.dts
        positions.append(len(positions) if position is None else position)
    return sorted(positions)


def _declared_duration_s(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> float:
    """Seconds that the header claims; 0 if it claims nothing."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / av.time_base


def _middles(positions: list[int], count: int) -> list[int]:
    """Of sorted positions, those shown in the middle of `count` equal parts of the time line."""
    if len(positions) <= count:
        return sorted(set(positions))
    first = positions[0]
    # The last frame is shown for about as long as the others are.
    length = (positions[-1] - first) * len(positions) / (len(positions) - 1)
    middles = (first + length * (i + 0.5) / count for i in range(count))
    return sorted({positions[bisect.bisect_right(positions, at) - 1] for at in middles})


def _upright(frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
    image = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
    quarter_turns = (frame.rotation // 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarter_turns)) if quarter_turns else image


def _plain(error: Exception) -> str:
    """What FFmpeg says, without the error number and the path."""
    return str(getattr(error, "strerror", None) or error)
