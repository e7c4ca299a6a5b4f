"""Reading a video: what it holds, and frames of it evenly spaced in time.

A file is read twice. The first pass looks at packets alone, which costs milliseconds, and learns
how many there are and when each is shown. The second decodes in order, packet by packet, so that
damage is counted and survived; seeking to each frame would decode again from every key frame.
"""

import bisect
import dataclasses
import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
from av.codec.context import Flags
from av.sidedata.sidedata import SideData
from av.video.reformatter import VideoReformatter

from data.contract import Measurements
from data.video import container as video_container
from data.video.container import MAX_PIXELS, UnreadableVideoError

_MAX_PIXEL_ASPECT = 4
"""Pixels further from square are a mistake in the file; ITU-T H.264's table E-1 ends at 160:99."""


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

    Of several video streams it is the one that a player shows, never a cover picture. Colours
    are converted by the matrix and range that the stream names; where it names none, by BT.601
    and limited range whatever the size, as FFmpeg and OpenCV do.

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
        self._contents = video_container.examine(path)
        self._reformatter = VideoReformatter()  # sets up its tables once, not for every frame
        self._interlaced = False
        self._pixel_aspect: Fraction | None = None
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
        with video_container.open_container(self._path) as container:
            if len(container.streams.video) <= self._contents.number:
                raise UnreadableVideoError("it has changed while it was read")
            stream = container.streams.video[self._contents.number]
            self._pixel_aspect = stream.sample_aspect_ratio
            stream.thread_type = "AUTO"
            context = stream.codec_context
            context.thread_count = self._decoding_threads
            context.options = {"max_pixels": str(MAX_PIXELS)}  # the size may change on the way
            # What lacks a reference is to be counted, not dropped in silence.
            context.flags |= Flags.output_corrupt
            for packet in video_container.read_packets(container, stream):
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
            width, height = _square_size(frame, self._pixel_aspect)
            transposed, _, _ = _orientation(frame)
            self.width, self.height = (height, width) if transposed else (width, height)
        self._last_position = position
        self.frames_decoded += 1
        return position

    def _convert(self, frame: av.VideoFrame, position: int) -> Frame:
        return Frame(
            time_s=float((position - self._contents.positions[0]) * self._contents.tick_s),
            image=to_rgb(frame, self._reformatter, self._pixel_aspect),
        )

    def _span_s(self) -> float:
        if self._first_position is None:
            return 0.0
        return float((self._last_position - self._first_position) * self._contents.tick_s)


def to_rgb(
    frame: av.VideoFrame, reformatter: VideoReformatter, pixel_aspect: Fraction | None
) -> npt.NDArray[np.uint8]:
    """Pixels of a decoded frame as it is shown, uint8 [height, width, 3], RGB.

    Args:
        frame: as it was decoded.
        reformatter: one for all frames of a video, which sets up its tables once.
        pixel_aspect: width over height of a pixel of the stream, before rotation; None if the
            stream does not say. Other pixels than square ones are made square by widening or
            heightening the frame, so that nothing is lost.
    """
    width, height = _square_size(frame, pixel_aspect)
    # One thread: workers and detector fill the cores already.
    rgb = reformatter.reformat(frame, width, height, format="rgb24", threads=1)
    image = rgb.to_ndarray().astype(np.uint8, copy=False)
    transposed, mirrored, upside_down = _orientation(frame)
    if transposed:
        image = image.swapaxes(0, 1)
    return np.ascontiguousarray(image[:: -1 if upside_down else 1, :: -1 if mirrored else 1])


def _square_size(frame: av.VideoFrame, pixel_aspect: Fraction | None) -> tuple[int, int]:
    """Width and height of a frame before rotation, in square pixels."""
    aspect = float(pixel_aspect or 1)
    if not 1 / _MAX_PIXEL_ASPECT <= aspect <= _MAX_PIXEL_ASPECT:
        return frame.width, frame.height
    width = round(frame.width * max(aspect, 1))
    height = round(frame.height / min(aspect, 1))
    return (width, height) if width * height <= MAX_PIXELS else (frame.width, frame.height)


def _middles(positions: Sequence[int], count: int) -> list[int]:
    """Of sorted positions, those shown in the middle of `count` equal parts of the time line."""
    if len(positions) <= count:
        return sorted(set(positions))
    first = positions[0]
    # The last frame is shown for about as long as the others are.
    length = (positions[-1] - first) * len(positions) / (len(positions) - 1)
    middles = (first + length * (i + 0.5) / count for i in range(count))
    return sorted({positions[bisect.bisect_right(positions, at) - 1] for at in middles})


def _orientation(frame: av.VideoFrame) -> tuple[bool, bool, bool]:
    """How to set a frame upright: transpose it, then mirror it left to right, then top to bottom.

    Of the frame's display matrix (ISO/IEC 14496-12, 6.2.2) a, b, c and d are read: a point is shown
    at x' = ax + cy, y' = bx + dy. It is taken for the nearest of the eight that keep pixels whole.
    """
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if not isinstance(matrix, SideData):
        return False, False, False
    a, b, _, c, d = struct.unpack_from("=5i", matrix)
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return False, a < 0, d < 0
    return True, c < 0, b < 0
