"""Clips whose bytes are damaged, cut short or lie."""

import pathlib
import re
import struct
from typing import Any

import av
import numpy as np

from tests.data.bad_clips import mp4_boxes
from tests.data.bad_clips.encoding import (
    FRAME_COUNT,
    HEIGHT,
    VPX,
    WIDTH,
    copy_packets,
    encode,
    face_frames,
    gradient_frames,
)
from tests.data.bad_clips.odd import add_cover, make_good

_SAMPLE_ENTRY = 16  # bytes of `stsd` before its first entry, that entry's size and kind included


def make_truncated(path: pathlib.Path, share: float = 0.6) -> None:
    """The good clip, cut after a share of its bytes, as a broken download leaves it.

    Its index is whole, so it declares all frames, but holds only the first of them.
    """
    make_good(path)
    cut(path, share)


def make_cut(path: pathlib.Path, share: float = 0.6, **encoding: Any) -> None:
    """Two seconds in any container (see `encode`), cut after a share of their bytes."""
    encode(path, face_frames(FRAME_COUNT), **encoding)
    cut(path, share)


def cut(path: pathlib.Path, share: float) -> None:
    """Keeps the first bytes of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


def make_middle_missing(path: pathlib.Path) -> None:
    """The good clip without the third tenth of its pictures: all behind them has moved."""
    make_good(path)
    content = path.read_bytes()
    pictures = mp4_boxes.payload(content, b"mdat")
    tenth = (pictures.stop - pictures.start) // 10
    start = pictures.start + 2 * tenth
    path.write_bytes(content[:start] + content[start + tenth :])


def make_damaged(path: pathlib.Path, **encoding: Any) -> None:
    """Two seconds with zeros in place of a fifth of the pictures' bytes, from the middle on.

    The index is whole and the frames after the hole are: a decoder that reports damage loses
    a few frames, one that gives up at the first error loses half of them.
    """
    encode(path, face_frames(FRAME_COUNT), **encoding)
    content = bytearray(path.read_bytes())
    pictures = mp4_boxes.payload(content, b"mdat")
    size = pictures.stop - pictures.start
    hole = slice(pictures.start + size // 2, pictures.start + size // 2 + size // 5)
    content[hole] = bytes(hole.stop - hole.start)
    path.write_bytes(content)


def make_bit_flips(path: pathlib.Path, count: int = 4) -> None:
    """The good clip with single bits of its pictures turned over, as bad memory does."""
    make_good(path)
    content = bytearray(path.read_bytes())
    inside = mp4_boxes.payload(content, b"mdat")
    places = np.random.default_rng(1).integers(inside.start, inside.stop, count)
    for place in places.tolist():
        content[place] ^= 1 << place % 8
    path.write_bytes(content)


def make_no_index(path: pathlib.Path) -> None:
    """The good clip with its index last, cut off just before: a camera whose battery died."""
    encode(path, container_options={})
    content = path.read_bytes()
    path.write_bytes(content[: mp4_boxes.payload(content, b"moov").start - 8])


def make_index_only(path: pathlib.Path) -> None:
    """The good clip's index, and none of its pictures."""
    make_good(path)
    content = path.read_bytes()
    path.write_bytes(content[: mp4_boxes.payload(content, b"mdat").start])


def make_no_frames(path: pathlib.Path) -> None:
    """A whole MP4 whose video track was never given a frame."""
    make_good(path)
    content = path.read_bytes()
    for table in (b"stsz", b"stts", b"stsc", b"stco", b"stss", b"ctts"):
        zeros = bytes(12 if table == b"stsz" else 8)
        where = (b"moov", b"trak", b"mdia", b"minf", b"stbl", table)
        content = mp4_boxes.replace(content, where, zeros)
    path.write_bytes(content)


def make_audio_only(path: pathlib.Path, cover: bool = False) -> None:
    """One second of a tone in an MP4 without a video stream, but on request with a cover."""
    rate = 16_000
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=rate)
        if cover:
            add_cover(container)
        for start in range(0, rate, 1024):
            samples = tone[np.newaxis, start : start + 1024].astype(np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = rate, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def make_no_key_frame(path: pathlib.Path) -> None:
    """A recording that was joined late: the first half second hangs in the air."""
    good = path.with_suffix(".good.mp4")
    make_good(good)
    copy_packets(good, path, container="mpegts", skip=1)
    good.unlink()


def make_unreadable_packet(path: pathlib.Path) -> None:
    """An IVF file with a thirteenth packet of negative size put between its 24."""
    encode(path, codec="libvpx", options=VPX)
    content = path.read_bytes()
    at = 32  # behind the file's header; each frame's holds its size and its time
    for _ in range(12):
        at += 12 + struct.unpack_from("<I", content, at)[0]
    path.write_bytes(content[:at] + struct.pack("<iQ", -1, 12) + content[at:])


def make_lying_avi(path: pathlib.Path) -> None:
    """An AVI whose header counts ten times the frames that its index and content hold."""
    encode(path, codec="mjpeg", pix_fmt="yuvj420p", options={})
    content = bytearray(path.read_bytes())
    for name, offset in ((b"avih", 24), (b"strh", 40)):  # dwTotalFrames, dwLength
        at = content.index(name) + offset
        struct.pack_into("<I", content, at, 240)
    path.write_bytes(content)


def make_lying_table(path: pathlib.Path, name: bytes, offset: int, value: int) -> None:
    """The good clip with one number of 32 bits in a table of its index replaced."""
    make_good(path)
    content = bytearray(path.read_bytes())
    struct.pack_into(">I", content, mp4_boxes.table(content, name).start + offset, value)
    path.write_bytes(content)


def make_huge(path: pathlib.Path) -> None:
    """An AVI of uncompressed frames that claims 12000 x 12000 pixels for them."""
    frames = gradient_frames(3)
    encode(path, frames, codec="rawvideo", options={})
    content = bytearray(path.read_bytes())
    size = content.index(b"strf") + 12  # biWidth and biHeight behind biSize
    assert struct.unpack_from("<ii", content, size) == (WIDTH, HEIGHT)
    struct.pack_into("<ii", content, size, 12_000, 12_000)
    path.write_bytes(content)


def make_bomb(path: pathlib.Path, side: int = 65_000) -> None:
    """A few kilobytes of JPEG that would unpack to frames of `side` x `side` pixels."""
    frames = [np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * 3
    encode(path, frames, codec="mjpeg", pix_fmt="yuvj420p", options={})
    content = path.read_bytes()
    marker = b"\xff\xc0\x00\x11\x08"  # start of frame (ITU-T T.81, B.2.2)
    true, claimed = struct.pack(">HH", HEIGHT, WIDTH), struct.pack(">HH", side, side)
    assert content.count(marker + true) == 3
    path.write_bytes(content.replace(marker + true, marker + claimed))


def make_renamed_codec(path: pathlib.Path, codec: bytes) -> None:
    """The good clip under another name of its codec: `encv` is an encrypted one."""
    make_good(path)
    content = bytearray(path.read_bytes())
    start = mp4_boxes.table(content, b"stsd").start + _SAMPLE_ENTRY - 4
    content[start : start + 4] = codec
    path.write_bytes(content)


def make_equal_times(path: pathlib.Path) -> None:
    """The good clip, all of whose frames are to be shown at once."""
    make_lying_table(path, b"stts", 12, 0)


def make_backward_times(path: pathlib.Path) -> None:
    """A Matroska file whose clusters come with falling times."""
    encode(path, face_frames(FRAME_COUNT), container_options={"cluster_time_limit": "200"})
    content = bytearray(path.read_bytes())
    # Cluster, its size, a checksum, then Timestamp (RFC 9559, 5.1.3) and its size of one byte.
    head = rb"\x1f\x43\xb6\x75.{1,8}?\xbf\x84.{4}\xe7"
    clusters = [match.end() for match in re.finditer(head, content, re.DOTALL)]
    assert len(clusters) == 8
    for number, at in enumerate(clusters):
        length = content[at] & 0x7F
        content[at + 1 : at + 1 + length] = (240 - 30 * number).to_bytes(length, "big")
    path.write_bytes(content)


def make_long_duration(path: pathlib.Path) -> None:
    """A Matroska file of a second, as its stream says, whose header claims ten hours."""
    encode(path, container_options={})
    content = bytearray(path.read_bytes())
    at = content.index(b"\x44\x89\x88") + 3  # Duration, a float of 8 bytes, milliseconds
    struct.pack_into(">d", content, at, 36_000_000.0)
    path.write_bytes(content)


def make_nested(path: pathlib.Path) -> None:
    """Boxes inside boxes, 5000 deep."""
    content = b""
    for _ in range(5000):
        content = mp4_boxes.box(b"moov", content)
    path.write_bytes(mp4_boxes.box(b"ftyp", b"isom\0\0\2\0isom") + content)


def make_external_reference(path: pathlib.Path) -> None:
    """An MP4 whose pictures lie in another file, which must not be opened."""
    other = path.with_suffix(".other")
    encode(other, container="mp4", container_options={})
    content = other.read_bytes()
    target = str(other.resolve()).encode()
    alias = (
        bytes(10) + b"\x01v".ljust(28, b"\0") + bytes(12) + b"\x01f".ljust(64, b"\0") + bytes(16)
    )
    alias += struct.pack(">hh", 0, 0) + bytes(16)
    alias += struct.pack(">hh", 2, len(target)) + target + bytes(len(target) % 2)
    alias += struct.pack(">hh", -1, 0)
    entry = mp4_boxes.box(b"alis", bytes(4) + alias)
    where = (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref")
    path.write_bytes(mp4_boxes.replace(content, where, struct.pack(">II", 0, 1) + entry))


def make_padded(path: pathlib.Path, before: bytes = b"", after: bytes = b"") -> None:
    """The good clip with bytes before and behind it."""
    encode(path, container_options={})
    path.write_bytes(before + path.read_bytes() + after)
