"""What is done to a good clip: small values, so that a failure can be repeated."""

import re
import struct
from collections.abc import Callable

from hypothesis import strategies as st

from tests.fuzz import seeds

Mutation = tuple[str, int, int, int]
"""Kind, position, and two numbers whose meaning the kind decides."""

_NAMES = re.compile(
    rb"moov|mvhd|trak|tkhd|edts|elst|mdia|mdhd|hdlr|minf|stbl|stsd|stts|ctts|stsc|stsz|stco|stss"
    rb"|avcC|hvcC|av1C|moof|traf|trun|tfhd|mdat|ftyp|free|udta"  # MP4
    rb"|RIFF|LIST|hdrl|avih|strl|strh|strf|movi|idx1|00dc"  # AVI
    rb"|\x1a\x45\xdf\xa3|\x18\x53\x80\x67|\x15\x49\xa9\x66|\x16\x54\xae\x6b|\x1f\x43\xb6\x75"
    rb"|\x1c\x53\xbb\x6b|\xa3[\x40-\xff]|\xe7\x81"  # Matroska
    rb"|\x00\x00\x01[\xb0-\xff]|\x47[\x40\x41\x00\x01]."  # MPEG, transport stream
    rb"|\xff[\xc0\xc4\xd8\xda\xdb]",  # JPEG
    re.DOTALL,
)
"""Where structure begins; numbers that decide how the rest is read lie near."""

_VALUES = (
    0,
    1,
    2,
    7,
    0x7F,
    0xFF,
    0x100,
    0x7FFF,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
)


def _span(number: int) -> int:
    """From 1 to 4096 bytes, short spans as often as long ones."""
    return 1 + number % (1 << (number >> 16) % 13)


def _flip(content: bytearray, at: int, bit: int, _: int) -> None:
    content[at] ^= 1 << bit % 8


def _cut(content: bytearray, at: int, _: int, __: int) -> None:
    del content[at:]


def _remove(content: bytearray, at: int, length: int, _: int) -> None:
    del content[at : at + _span(length)]


def _zero(content: bytearray, at: int, length: int, _: int) -> None:
    end = min(at + _span(length), len(content))
    content[at:end] = bytes(end - at)


def _fill(content: bytearray, at: int, length: int, value: int) -> None:
    end = min(at + _span(length), len(content))
    content[at:end] = bytes([value % 256]) * (end - at)


def _duplicate(content: bytearray, at: int, length: int, to: int) -> None:
    to %= len(content)
    content[to:to] = content[at : at + _span(length)]


def _overwrite(content: bytearray, at: int, length: int, to: int) -> None:
    to %= len(content)
    piece = content[at : at + _span(length)]
    content[to : to + len(piece)] = piece


def _lie(content: bytearray, at: int, value: int, form: int) -> None:
    number = _VALUES[value % len(_VALUES)]
    packed = struct.pack(("<I", ">I", ">Q")[form % 3], number)
    content[at : at + len(packed)] = packed


def _swap(content: bytearray, at: int, other: int, _: int) -> None:
    """Swaps two neighbouring pieces of structure, such as boxes or clusters."""
    places = structure(bytes(content))
    if len(places) < 3:
        return
    first = min(range(len(places) - 2), key=lambda i: abs(places[i] - at))
    second = first + 1 + other % (len(places) - 2 - first)
    a, b, c, d = places[first], places[first + 1], places[second], places[second + 1]
    content[a:d] = content[c:d] + content[b:c] + content[a:b]


KINDS: dict[str, Callable[[bytearray, int, int, int], None]] = {
    "flip": _flip,
    "cut": _cut,
    "remove": _remove,
    "zero": _zero,
    "fill": _fill,
    "duplicate": _duplicate,
    "overwrite": _overwrite,
    "lie": _lie,
    "swap": _swap,
}


def structure(content: bytes) -> list[int]:
    """Where something begins that looks like a piece of a container; a box begins with its size."""
    starts = [max(match.start() - 4, 0) for match in _NAMES.finditer(content)]
    return sorted({0, *starts, len(content)})


def apply(content: bytes, mutations: list[Mutation]) -> bytes:
    """Mutates a clip; what cannot be done to it, since it is too short by now, is left out."""
    mutated = bytearray(content)
    for kind, at, first, second in mutations:
        if mutated:
            KINDS[kind](mutated, at % len(mutated), first, second)
    return bytes(mutated)


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, list[Mutation]]:
    """The name of a seed, and one to four mutations of it: half of them where structure begins."""
    name = draw(st.sampled_from(seeds.NAMES))
    content = seeds.content(name)
    near = st.builds(
        lambda place, offset: max(0, place + offset),
        st.sampled_from(structure(content)),
        st.integers(-4, 32),
    )
    anywhere = st.integers(0, len(content) - 1)
    number = st.integers(0, (1 << 32) - 1)
    mutation = st.tuples(st.sampled_from(sorted(KINDS)), near | anywhere, number, number)
    return name, draw(st.lists(mutation, min_size=1, max_size=4))
