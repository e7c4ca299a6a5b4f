"""What the packets of a video say before any is decoded.

Containers may state wrong counts and durations. So the packets that are really there are counted.
"""

import dataclasses
import os
import re
import stat
from collections.abc import Iterable, Sequence
from fractions import Fraction

import av
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from data.video.container import MAX_PIXELS, UnreadableVideoError, open_container, read_packets
from data.video.hidden_frames import is_hidden

_MAX_REORDER = 16
"""Packets that may come between a packet's place in the file and in time.

A decoder holds back 16 frames at most (ITU-T H.264, A.3.1; H.265, A.4.2).
"""


@dataclasses.dataclass(frozen=True)
class Contents:
    """What the packets of a video stream say.

    Attributes:
        size_bytes: of the file.
        number: which of the container's video streams it is.
        frame_pixels: width times height of a frame, as the header claims.
        packets: packets to be shown; at least 1.
        packets_declared: packets that the index or else the duration claims; no less than
            `packets`.
        positions: when they are shown, in `tick_s`, sorted; one for each packet.
        stamped: whether `positions` are the file's timestamps; if these cannot be right,
            `positions` count the packets.
        tick_s: unit of `positions`, seconds.
        frame_s: how long a frame is shown by the declared rate, seconds.
    """

    size_bytes: int
    number: int
    frame_pixels: int
    packets: int
    packets_declared: int
    positions: Sequence[int]
    stamped: bool
    tick_s: Fraction
    frame_s: float


@dataclasses.dataclass
class _Read:
    """What was read of one stream: its packets to be shown and not, and when the last ends."""

    stamps: list[int | None] = dataclasses.field(default_factory=list)
    not_shown: int = 0
    end: int | None = None


def examine(path: str) -> Contents:
    """Chooses the video stream of a local file and reads all packets.

    Raises:
        FileNotFoundError: there is no file at `path`, or a link to none.
        UnreadableVideoError: it is no file or cannot be opened, there is nothing to decode in
            it, or its frames are too large.
    """
    size_bytes = _file_size(path)
    with open_container(path) as container:
        streams = container.streams.video
        indexed = [len(stream.index_entries) for stream in streams]  # reading adds to them
        read = _read(container)
        number = _choose_stream(streams, [len(read[stream.index].stamps) for stream in streams])
        stream = streams[number]
        frame_pixels = stream.codec_context.width * stream.codec_context.height
        if not frame_pixels:
            _refuse_large(path, number)
        stamps, not_shown = read[stream.index].stamps, read[stream.index].not_shown
        frame_s = 1 / (stream.average_rate or stream.guessed_rate or Fraction(25))
        positions = _presentation_order(stamps)
        own_s = _declared_s(stream)
        if positions is None or stream.time_base is None:
            positions, tick_s, stamped = range(len(stamps)), frame_s, False
            covered_s = float(len(stamps) * frame_s)
        else:
            tick_s, stamped = stream.time_base, True
            ending = container.streams if own_s is None else [stream]
            covered_s = _end_s(ending, read) + float(frame_s - positions[0] * tick_s)
        total = len(stamps) + not_shown
        declared = _count_declared(path, container, number, indexed[number], total) - not_shown
        declared_s = (container.duration or 0) / av.time_base if own_s is None else own_s
        if declared <= 0 and covered_s < 0.9 * declared_s:
            declared = round(declared_s / float(frame_s))
    return Contents(
        size_bytes=size_bytes,
        number=number,
        frame_pixels=frame_pixels,
        packets=len(stamps),
        packets_declared=max(declared, len(stamps)),
        positions=positions,
        stamped=stamped,
        tick_s=tick_s,
        frame_s=float(frame_s),
    )


def _file_size(path: str) -> int:
    """Size in bytes of a regular file that holds something."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except OSError as error:
        raise UnreadableVideoError(f"cannot be opened: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableVideoError("not a file")
    if status.st_size == 0:
        raise UnreadableVideoError("the file is empty")
    return status.st_size


def _read(container: InputContainer) -> list[_Read]:
    """Reads a container to its end; one entry for each of its streams."""
    streams = [_Read() for _ in container.streams]
    for packet in read_packets(container):
        if packet is None:
            continue
        stream = streams[packet.stream_index]
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is not None:
            end = stamp + (packet.duration or 0)
            stream.end = end if stream.end is None else max(end, stream.end)
        if packet.stream.type != "video":
            continue
        codec = packet.stream.codec_context
        # An edit list sets the start after what is to be discarded.
        if packet.is_discard or (
            codec is not None and is_hidden(codec.codec.canonical_name, memoryview(packet))
        ):
            stream.not_shown += 1
        else:
            stream.stamps.append(stamp)
    return streams


def _choose_stream(streams: Sequence[VideoStream], counts: Sequence[int]) -> int:
    """Number of the stream with the most frames: others are covers and thumbnails."""
    cover = Disposition.attached_pic
    candidates = [i for i, stream in enumerate(streams) if not stream.disposition & cover]
    if not candidates:
        raise UnreadableVideoError("there is no video stream in it")
    number = max(candidates, key=counts.__getitem__)
    if counts[number] == 0:
        raise UnreadableVideoError("the video stream holds no frame")
    if streams[number].codec_context is None:
        raise UnreadableVideoError("there is no decoder for its video")
    return number


def _refuse_large(path: str, number: int) -> None:
    """Raises an error if the container claims a size that is not decoded.

    A decoder forgets what it refuses. Without any, the container's own claim is left.
    """
    with open_container(path, codec_whitelist="none") as container:
        context = container.streams.video[number].codec_context
        if context.width * context.height > MAX_PIXELS:
            raise UnreadableVideoError(
                f"its frames claim {context.width} x {context.height} pixels; those of more than "
                f"{MAX_PIXELS} are not decoded"
            )


def _count_declared(
    path: str, container: InputContainer, number: int, indexed: int, total: int
) -> int:
    """Packets that the header claims to be there, of which `total` are; 0 if it claims nothing."""
    stream = container.streams.video[number]
    if not container.format.name.startswith("mov"):
        # An index of all packets beats a number in the header.
        return indexed if stream.frames and indexed >= total else stream.frames
    claimed = max(stream.frames, indexed)
    if claimed > total:
        # What an edit list leaves out is not missing.
        with open_container(path, ignore_editlist="1") as untrimmed:
            there = read_packets(untrimmed, untrimmed.streams.video[number])
            claimed += total - sum(packet is not None for packet in there)
    return claimed


def _declared_s(stream: VideoStream) -> float | None:
    """How long the header says that a stream is, seconds; None if only the container says so.

    Matroska has no field for it: those who write it add a tag such as 00:00:01.500000000.
    """
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    tag = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    return None if tag is None else 3600 * int(tag[1]) + 60 * int(tag[2]) + float(tag[3])


def _end_s(streams: Iterable[Stream], read: Sequence[_Read]) -> float:
    """When the last packet of some streams ends, seconds: sound may go on after the picture."""
    return max(
        float(end * stream.time_base)
        for stream in streams
        if (end := read[stream.index].end) is not None and stream.time_base is not None
    )


def _presentation_order(stamps: Sequence[int | None]) -> Sequence[int] | None:
    """Timestamps sorted, or None if they cannot be those of a video.

    They cannot if some are missing, if most share theirs with another, or if one is further
    from its place than a decoder could put right.
    """
    known = [stamp for stamp in stamps if stamp is not None]
    if len(known) < len(stamps) or 2 * len(set(known)) < len(known):
        return None
    order = sorted(range(len(known)), key=known.__getitem__)
    if any(abs(place - packet) > _MAX_REORDER for place, packet in enumerate(order)):
        return None
    return [known[packet] for packet in order]
