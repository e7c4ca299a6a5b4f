"""Reading a video: what it holds, and frames of it evenly spaced in time.

A file is read twice. The first pass looks at packets alone, which costs milliseconds, and learns
how many there are and when each is shown. The second decodes in order, packet by packet, so that
damage is counted and survived; seeking to each frame would decode again from every key frame.
"""

import bisect
import dataclasses
from collections.abc import Iterator, Sequence

import av
import numpy as np
import numpy.typing as npt
from av.codec.context import Flags

from data.contract import Measurements
from data.video.container import MAX_PIXELS, UnreadableVideoError, open_container, read_packets
from data.video.contents import examine
from data.video.frame_converter import FrameConverter


@dataclasses.dataclass(frozen=True)
class Frame:
    """One decoded frame.

    Attributes:
        time_s: presentation time in seconds, from the first frame that the file holds; never
            less than that of the frame before.
        image: uint8 [height, width, 3], RGB, 0 to 255, upright, of square pixels.
    """

    time_s: float
    image: npt.NDArray[np.uint8]


class Video:
    """A video file whose frames are read once, in order: by `sample`, `at` or `every`.

    These decode the whole video and yield each frame once, in presentation order. They raise an
    `UnreadableVideoError` if the file has changed since it was opened.

    Of several video streams it is the one that a player shows, never a cover picture.

    Attributes:
        frames_declared: frames that the container's index or else its duration claims, or,
            where it claims nothing or less, packets that it holds.
        packets, frames_decoded, frames_damaged, width, height: so far, as `Measurements` says.

    Args:
        path: a local file.
        decoding_threads: threads of the decoder; 0 lets it choose.

    Raises:
        FileNotFoundError: there is no file at `path`, or a link to none.
        UnreadableVideoError: it is no video, or has frames of more than `MAX_PIXELS` pixels.
    """

    def __init__(self, path: str, *, decoding_threads: int = 1) -> None:
        self._path = path
        self._decoding_threads = decoding_threads
        self._contents = examine(path)
        self._converter: FrameConverter  # of the stream that is being decoded
        self._interlaced = False
        self._first_position: int | None = None
        self._last_position = self._contents.positions[0]
        self.packets = self._contents.packets
        self.frames_declared = self._contents.packets_declared
        self.frames_decoded = 0
        self.frames_damaged = 0
        self.width = 0
        self.height = 0

    @property
    def truncated(self) -> bool:
        """Whether the file ends well before its index or duration says."""
        return self.packets < 0.95 * self.frames_declared

    @property
    def pixels_declared(self) -> int:
        """Pixels of all its packets, as the header claims: what there is to decode."""
        return self._contents.packets * self._contents.frame_pixels

    @property
    def start_s(self) -> float:
        """When the first frame is shown on the file's own clock, seconds."""
        return float(self._contents.positions[0] * self._contents.tick_s)

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
        return self._span_s() + (1.0 / self.fps if self.fps > 0 else self._contents.frame_s)

    @property
    def bit_rate(self) -> float:
        """Size of the file over its measured duration, bits a second."""
        return 8.0 * self._contents.size_bytes / self.duration_s if self.duration_s > 0 else 0.0

    @property
    def measurements(self) -> Measurements:
        """What was measured so far."""
        names = (field.name for field in dataclasses.fields(Measurements))
        return Measurements(**{name: getattr(self, name) for name in names})

    def sample(self, count: int) -> Iterator[Frame]:
        """Yields frames evenly spaced in time.

        The time line is cut into `count` equal parts, and the frame shown in the middle of
        each is taken; a frame that is lost is replaced by the next one decoded.

        Args:
            count: frames wanted, 1 or more; shorter videos yield every frame once.
        """
        return self._shown_at(_middles(self._contents.positions, count))

    def at(self, times_s: Sequence[float]) -> Iterator[Frame]:
        """Yields the frames that begin nearest to some times.

        Args:
            times_s: seconds from the start, in any order.
        """
        positions = self._contents.positions
        wanted = set()
        for time_s in times_s:
            position = positions[0] + time_s / float(self._contents.tick_s)
            after = bisect.bisect_left(positions, position)
            beside = positions[max(after - 1, 0) : after + 1]
            distances = [abs(other - position) for other in beside]
            wanted.add(beside[distances.index(min(distances))])
        return self._shown_at(sorted(wanted))

    def every(self, n: int) -> Iterator[Frame]:
        """Yields every n-th frame decoded, from the first.

        Args:
            n: 1 or more; 1 yields all.
        """
        for number, (frame, position) in enumerate(self._decode()):
            if number % n == 0:
                yield self._convert(frame, position)

    def _shown_at(self, pending: Sequence[int]) -> Iterator[Frame]:
        """Yields the frames at sorted positions; for one that is lost the next one decoded."""
        for frame, position in self._decode():
            if pending and position >= pending[0]:
                pending = pending[bisect.bisect_right(pending, position) :]
                yield self._convert(frame, position)

    def _decode(self) -> Iterator[tuple[av.VideoFrame, int]]:
        """Decodes in order; yields each whole frame with its position in ticks."""
        with open_container(self._path) as container:
            if len(container.streams.video) <= self._contents.number:
                raise UnreadableVideoError("it has changed while it was read")
            stream = container.streams.video[self._contents.number]
            self._converter = FrameConverter(stream)
            stream.thread_type = "AUTO"
            context = stream.codec_context
            context.thread_count = self._decoding_threads
            context.options = {"max_pixels": str(MAX_PIXELS)}  # the size may change on the way
            # What lacks a reference is to be counted, not dropped in silence.
            context.flags |= Flags.output_corrupt
            for packet in read_packets(container, stream):
                if packet is None or packet.is_corrupt:
                    self.frames_damaged += 1
                if packet is not None:
                    yield from self._whole_frames(stream, packet)
            yield from self._whole_frames(stream, None)
            # Some decoders skip what they cannot read and report no error. But two fields may
            # make one frame.
            if not self._interlaced:
                counted = self.frames_decoded + self.frames_damaged
                self.frames_damaged += max(0, self.packets - counted)

    def _whole_frames(
        self, stream: av.VideoStream, packet: av.Packet | None
    ) -> Iterator[tuple[av.VideoFrame, int]]:
        """Decodes one packet, or with None what the decoder still holds; counts the damage."""
        try:
            frames = stream.decode(packet)
        except av.FFmpegError:
            if packet is None or not packet.is_corrupt:  # which is counted already
                self.frames_damaged += 1
            return
        for frame in frames:
            self._interlaced |= frame.interlaced_frame
            if frame.is_corrupt:
                self.frames_damaged += 1
            else:
                yield frame, self._place(frame)

    def _place(self, frame: av.VideoFrame) -> int:
        """Counts a whole frame; returns its position in ticks."""
        position = frame.pts if self._contents.stamped else None
        if position is None:
            number = self.frames_decoded + self.frames_damaged
            position = self._contents.positions[min(number, self.packets - 1)]
        # Damaged streams come out of order, but time does not run backwards.
        position = max(position, self._last_position)
        if self._first_position is None:
            self._first_position = position
            self.width, self.height = self._converter.shown_size(frame)
        self._last_position = position
        self.frames_decoded += 1
        return position

    def _convert(self, frame: av.VideoFrame, position: int) -> Frame:
        return Frame(
            time_s=float((position - self._contents.positions[0]) * self._contents.tick_s),
            image=self._converter.to_rgb(frame),
        )

    def _span_s(self) -> float:
        if self._first_position is None:
            return 0.0
        return float((self._last_position - self._first_position) * self._contents.tick_s)


def _middles(positions: Sequence[int], count: int) -> list[int]:
    """Of sorted positions, those shown in the middle of `count` equal parts of the time line."""
    if len(positions) <= count:
        return sorted(set(positions))
    first = positions[0]
    # The last frame is shown for about as long as the others are.
    length = (positions[-1] - first) * len(positions) / (len(positions) - 1)
    middles = (first + length * (i + 0.5) / count for i in range(count))
    return sorted({positions[bisect.bisect_right(positions, at) - 1] for at in middles})
