"""Which packets hold only frames that are never shown, by the bits of the specifications."""

import pytest

from data.video.hidden_frames import is_hidden

AV1_HIDDEN, AV1_SHOWN = bytes([0b0_0110_010, 2, 0b0_01_00000, 0]), bytes([0b0_0110_010, 2, 16, 0])


@pytest.mark.parametrize(
    ("codec", "packet", "hidden"),
    [
        ("vp8", bytes([0b0000_0001]), True),
        ("vp8", bytes([0b0001_0001]), False),
        ("vp9", bytes([0b1000_0100, 0]), True),
        ("vp9", bytes([0b1000_0110, 0]), False),
        ("vp9", bytes([0b1000_1000, 0]), False),  # shows a frame that was hidden
        ("vp9", bytes([0b1011_0010, 0]), True),  # profile 3: one bit more
        ("vp9", bytes([0b1011_0011, 0]), False),
        ("vp9", bytes([0b1000_0100, 0b1100_0000]), False),  # a superframe
        ("av1", AV1_HIDDEN, True),
        ("av1", AV1_SHOWN, False),
        ("av1", AV1_HIDDEN + AV1_SHOWN, False),
        ("av1", bytes([0b0_0010_010, 0]) + AV1_HIDDEN, True),  # behind a temporal delimiter
        ("av1", bytes([0b0_0110_000, 0b1_0000000]), False),  # no size; shows what was hidden
        ("av1", bytes([0b0_0110_010, 0xFF, 0xFF]), True),  # cut
        ("h264", bytes(4), False),
        ("vp9", b"", False),
    ],
)
def test_is_hidden(codec, packet, hidden):
    assert is_hidden(codec, packet) is hidden
