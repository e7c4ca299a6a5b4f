"""Writes a video file frame by frame, with the sound of another copied beside it."""

import contextlib
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from data.video import Video, open_container, read_packets, uneven_h264_options

CONTAINERS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""Endings of files that can be written, and FFmpeg's muxer for each."""

_NOMINAL_RATE = 30  # what x264 plans by; each frame has its own time all the same
_TIME_BASE = Fraction(1, 90_000)  # MPEG's: a frame's time is off by 6 µs at most
_BT709 = 1  # ITU-T H.273: the primaries, transfer and matrix of ITU-R BT.709


class VideoWriter:
    """Encodes frames as H.264 in BT.709, and copies the packets of another file's sound.

    Neither video nor sound is held: of each, what comes next is written.

    Attributes:
        remarks: what of the sound could not be copied, a sentence each.

    Args:
        path: of the file to write.
        suffix: one of `CONTAINERS`, in any case: `path` need not end in it.
        video: the frames' source, with their start.
        sound_of: file whose audio streams are copied, on the same clock as `video`.

    Raises:
        OSError, av.FFmpegError: the file cannot be written; also while writing.
    """

    def __init__(self, path: str, suffix: str, video: Video, sound_of: str) -> None:
        self.remarks: list[str] = []
        muxer = CONTAINERS[suffix.lower()]
        options = {} if muxer == "matroska" else {"movflags": "faststart"}
        self._video = video
        self._durations: dict[int, int] = {}  # of the frames that the encoder holds
        self._reformatter = VideoReformatter()
        self._open = contextlib.ExitStack()
        self._output = self._open.enter_context(
            av.open(f"file:{path}", "w", format=muxer, options=options)
        )
        self._stream = self._output.add_stream(
            "libx264", rate=_NOMINAL_RATE, options=uneven_h264_options(threads=0)
        )
        source = self._open.enter_context(open_container(sound_of))
        self._copies: dict[int, AudioStream] = {}
        for stream in source.streams.audio:
            self._add_sound(stream, muxer)
        self._sound = self._sound_packets(source)
        self._next = next(self._sound, None)

    def write(self, image: npt.NDArray[np.uint8], time_s: float, duration_s: float) -> None:
        """Writes a frame, and the sound up to it.

        Args:
            image: uint8 [height, width, 3], RGB, both sides even and the same for all.
            time_s: from the start of the video; more than that of the frame before.
            duration_s: seconds that it is shown.
        """
        if not self._stream.codec_context.is_open:
            self._start(image.shape[1], image.shape[0])
        rgb = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame = self._reformatter.reformat(
            rgb,
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
        )
        frame.pts, frame.time_base = round(time_s / _TIME_BASE), _TIME_BASE
        self._durations[frame.pts] = max(1, round(duration_s / _TIME_BASE))
        self._copy_sound(until_s=time_s)
        self._mux(self._stream.encode(frame))

    def __enter__(self) -> "VideoWriter":
        """Returns the writer itself."""
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        """Writes the frames still held and the rest of the sound; after an error only closes."""
        if error is None:
            with self._open:
                self._mux(self._stream.encode(None))
                self._copy_sound(until_s=float("inf"))
        else:
            with contextlib.suppress(OSError, av.FFmpegError):
                self._open.close()

    def _mux(self, packets: list[av.Packet]) -> None:
        for packet in packets:
            # A muxer would give the last frame a length of its own.
            assert packet.pts is not None
            packet.duration = self._durations.pop(packet.pts)
            self._output.mux(packet)

    def _start(self, width: int, height: int) -> None:
        self._stream.width, self._stream.height = width, height
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base = _TIME_BASE
        context.color_range = ColorRange.MPEG
        context.colorspace = context.color_primaries = context.color_trc = _BT709

    def _add_sound(self, stream: AudioStream, muxer: str) -> None:
        try:
            copy = self._output.add_stream_from_template(stream)
        except ValueError:
            name = stream.codec_context.name if stream.codec_context else "of an unknown codec"
            self.remarks.append(f"its sound ({name}) is left out: {muxer} does not hold such")
            return
        self._copies[stream.index] = copy

    def _sound_packets(
        self, source: av.container.InputContainer
    ) -> Iterator[tuple[float, av.Packet]]:
        """The source's packets of sound with their time in the video; counts what is damaged."""
        damaged = 0
        latest: dict[int, int] = {}
        for packet in read_packets(source) if self._copies else ():
            if packet is None or packet.stream_index not in self._copies:
                continue
            index = packet.stream_index
            # A muxer takes rising times alone.
            if packet.dts is None or packet.dts <= latest.get(index, packet.dts - 1):
                damaged += 1
                continue
            latest[index] = packet.dts
            shift = round(self._video.start_s / packet.time_base)
            packet.pts = (packet.dts if packet.pts is None else packet.pts) - shift
            packet.dts -= shift
            packet.stream = self._copies[index]
            yield float(packet.dts * packet.time_base), packet
        if damaged:
            self.remarks.append(f"{damaged} damaged packets of its sound are left out")

    def _copy_sound(self, *, until_s: float) -> None:
        while self._next is not None and self._next[0] <= until_s:
            self._output.mux(self._next[1])
            self._next = next(self._sound, None)
