"""What all drawn sheets share: colours, labels, and texts that fit into their place."""

import bisect
import functools
from collections.abc import Mapping

from PIL import ImageFont

from data import contract

PAPER, INK, FADED, LINE, BAND = "#ffffff", "#1b1b1b", "#6a6a6a", "#dddddd", "#f1f1f1"
LABELS: Mapping[int, tuple[str, str]] = {
    contract.Label.REAL: ("REAL", "#1a7f37"),
    contract.Label.FAKE: ("FAKE", "#c62828"),
}
UNKNOWN_LABEL = ("NO LABEL", "#6a6a6a")
WARNING = "#9a5b00"


def printable(text: str) -> str:
    r"""Replaces characters that the font has no glyph for by escapes.

    Example:
        >>> print(printable("a\u89c6\nb"))
        a\u89c6\nb
    """
    return "".join(
        char if _has_glyph(char) else char.encode("unicode_escape").decode() for char in text
    )


def wrap(text: str, size: int, width: float, count: int) -> list[str]:
    """Breaks text into at most `count` lines of at most `width` pixels.

    Breaks after a blank or a slash, unless that is far away. If the last line is too long, its
    middle is cut out.

    Example:
        >>> wrap("manipulated_sequences/Deepfakes/c23", 16, 200, 2)
        ['manipulated_sequences/', 'Deepfakes/c23']
    """
    text = printable(text)
    lines: list[str] = []
    while text and len(lines) < count - 1:
        end = _prefix(text, size, width)
        good = 1 + max(text.rfind(" ", 0, end), text.rfind("/", 0, end))
        if end < len(text) and good > end / 2:
            end = good
        lines.append(text[:end])
        text = text[end:]
    return [*lines, fit(text, size, width)] if text else lines


def _prefix(text: str, size: int, width: float) -> int:
    """How many characters fit, 1 at least."""
    ends = range(1, len(text) + 1)
    return max(1, bisect.bisect(ends, width, key=lambda end: text_width(text[:end], size)))


def fit(text: str, size: int, width: float) -> str:
    """Cuts the middle out of a text that is too wide: both ends of a name tell something.

    Example:
        >>> fit("dataset/a_long_folder/clip.mp4", 16, 120)
        'dataset…ip.mp4'
    """
    text = printable(text)
    if text_width(text, size) <= width:
        return text

    def without_middle(kept: int) -> str:
        return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"

    kept = bisect.bisect(
        range(1, len(text)), width, key=lambda kept: text_width(without_middle(kept), size)
    )
    return without_middle(max(1, kept))


def text_width(text: str, size: int) -> float:
    """Width of a line in the font of that size, pixels."""
    return font(size).getlength(text)


@functools.cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """The font of all sheets, `size` pixels high."""
    loaded = ImageFont.load_default(size)
    assert isinstance(loaded, ImageFont.FreeTypeFont), "Pillow's wheels carry FreeType"
    return loaded


@functools.cache
def _has_glyph(char: str) -> bool:
    """Whether the font draws the character itself, not the sign for a missing one."""
    drawn, missing = (bytes(font(16).getmask(each)) for each in (char, "\uffff"))
    return char.isprintable() and drawn != missing
