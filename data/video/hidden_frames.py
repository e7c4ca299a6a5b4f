"""Which packets hold only frames that are never shown: VP8, VP9 and AV1 decode such for others."""

from collections.abc import Callable, Iterator


def is_hidden(codec: str, packet: memoryview | bytes) -> bool:
    """Whether nothing of a packet is shown, by its own headers.

    Most muxers keep a hidden frame in one packet with the next that is shown. Others give it a
    packet of its own, for which a decoder returns no frame though nothing is damaged.

    Args:
        codec: FFmpeg's name of the codec, such as `vp9`; packets of other codecs are shown.
        packet: what it holds; damage may make the answer wrong, but raises nothing.

    Example:
        >>> is_hidden("vp8", bytes([0b00000001])), is_hidden("vp8", bytes([0b00010001]))
        (True, False)
    """
    shows = _SHOWS.get(codec)
    return shows is not None and len(packet) > 0 and not shows(packet)


def _vp8_shows(packet: memoryview | bytes) -> bool:
    """RFC 6386, 9.1: one bit of the frame tag."""
    return bool(packet[0] >> 4 & 1)


def _vp9_shows(packet: memoryview | bytes) -> bool:
    """VP9 bitstream specification 0.6, 7.2 and annex B: a superframe holds a shown frame."""
    if packet[-1] >> 5 == 0b110:
        return True
    profile = packet[0] >> 4 & 0b11  # the low bit, then the high one
    bits = packet[0] << (1 if profile == 0b11 else 0)  # the third profile has a reserved bit
    return bool(bits >> 3 & 1 or bits >> 1 & 1)  # show_existing_frame, show_frame


def _av1_shows(packet: memoryview | bytes) -> bool:
    """AV1 bitstream specification, 5.9.2: some frame header of the packet says that it is shown."""
    return any(
        header >> 7 & 1 or header >> 4 & 1  # show_existing_frame, show_frame
        for obu_type, header in _open_bitstream_units(packet)
        if obu_type in (3, 6)  # OBU_FRAME_HEADER, OBU_FRAME
    )


def _open_bitstream_units(packet: memoryview | bytes) -> Iterator[tuple[int, int]]:
    """AV1 bitstream specification, 5.3: type and first byte of each unit that is not empty."""
    at = 0
    while at < len(packet):
        obu_type, extended, sized = packet[at] >> 3 & 15, packet[at] >> 2 & 1, packet[at] >> 1 & 1
        at += 1 + extended
        size, shift = 0, 0
        while sized and at < len(packet):
            byte = packet[at]
            size |= (byte & 127) << shift
            at, shift = at + 1, shift + 7
            if byte < 128:
                break
        if not sized:
            size = len(packet) - at
        if size > 0 and at < len(packet):
            yield obu_type, packet[at]
        at += size


_SHOWS: dict[str, Callable[[memoryview | bytes], bool]] = {
    "vp8": _vp8_shows,
    "vp9": _vp9_shows,
    "av1": _av1_shows,
}
