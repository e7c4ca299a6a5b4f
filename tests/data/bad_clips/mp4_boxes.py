"""Edits the boxes of an MP4 file (ISO/IEC 14496-12, 4.2: size, kind, payload)."""

import struct
from collections.abc import Iterator


def payload(content: bytes, *names: bytes) -> slice:
    """Where the payload of the first box lies that is reached by a path of names."""
    start, end = 0, len(content)
    for name in names:
        for at, size, kind in walk(content, start, end):
            if kind == name:
                start, end = at + 8, at + size
                break
        else:
            raise ValueError(f"no box {name!r}")
    return slice(start, end)


def table(content: bytes, name: bytes) -> slice:
    """Where the payload of a table of the first track lies, such as `stsz`."""
    return payload(content, b"moov", b"trak", b"mdia", b"minf", b"stbl", name)


def walk(content: bytes, start: int, end: int) -> Iterator[tuple[int, int, bytes]]:
    """Yields start, size and kind of each box in a range."""
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", content, start)
        yield start, size, kind
        start += size


def replace(content: bytes, path: tuple[bytes, ...], new: bytes) -> bytes:
    """Gives a box another payload, of any length, and the boxes about it their sizes.

    What follows moves: the file's index must stand behind its pictures.
    """
    if not path:
        return new
    out = bytearray()
    done = False
    for at, size, kind in walk(content, 0, len(content)):
        inner = content[at + 8 : at + size]
        if kind == path[0] and not done:
            inner, done = replace(inner, path[1:], new), True
        out += box(kind, inner)
    if not done:
        raise ValueError(f"no box {path[0]!r}")
    return bytes(out)


def box(kind: bytes, content: bytes) -> bytes:
    """A box of a kind."""
    return struct.pack(">I4s", 8 + len(content), kind) + content
