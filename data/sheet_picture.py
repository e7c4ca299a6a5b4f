"""How a contact sheet looks: a row a video, with crops in time and what is known of them."""

import bisect
import dataclasses
import functools
import io
import itertools
from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw, ImageFont

from data import contract
from data.contract import FaceCrop
from data.ledger import LedgerRow, Status

CELLS = 8
"""Crops in a row."""

_SMALL = 16
_CELL = 132
_GAP = 8
_TRACK_GAP = 18
_TRACK_GAPS = 2 * _TRACK_GAP  # shared by all gaps of a row
_MARGIN = 28
_TEXT_WIDTH = 420
_CAPTION = 22
_ROW_HEIGHT = _CAPTION + _CELL + _CAPTION + 18
_EMPTY_ROW_HEIGHT = 94
_HEADING_HEIGHT = 48
_WIDTH = 2 * _MARGIN + _TEXT_WIDTH + CELLS * (_CELL + _GAP) + _TRACK_GAPS

_PAPER, _INK, _FADED, _LINE, _BAND = "#ffffff", "#1b1b1b", "#6a6a6a", "#dddddd", "#f1f1f1"
_LABELS: Mapping[int, tuple[str, str]] = {
    contract.Label.REAL: ("REAL", "#1a7f37"),
    contract.Label.FAKE: ("FAKE", "#c62828"),
}
_UNKNOWN_LABEL = ("NO LABEL", "#6a6a6a")
_WARNING = "#9a5b00"

_TRACK_COLOURS = ("#0072b2", "#e69f00", "#cc79a7", "#009e73", "#56b4e9", "#d55e00")
"""Told apart by the colour-blind too (Okabe and Ito, Color Universal Design, 2008)."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """A crop as it is shown, and what stands around it."""

    picture: Image.Image
    track: int
    time_s: float
    score: float
    sharpness: float


@dataclasses.dataclass(frozen=True)
class Video:
    """What is shown of a video that has an Example."""

    cells: tuple[Cell, ...]
    made: str
    measured: str
    crops: str


@dataclasses.dataclass(frozen=True)
class Block:
    """Rows under one heading; videos without an Example have None."""

    heading: str
    rows: Sequence[tuple[LedgerRow, Video | None]]


def prepare(example: contract.VideoExample, faces: Sequence[FaceCrop]) -> Video:
    """Keeps what is shown of an Example: the crops of `faces`, at the size of a cell."""
    sides = []
    cells = []
    for face in faces:
        crop = Image.open(io.BytesIO(face.image)).convert("RGB")
        sides.append(crop.width)
        picture = crop.resize((_CELL, _CELL), Image.Resampling.BICUBIC)
        cells.append(Cell(picture, face.track, face.time_s, face.score, face.sharpness))
    return Video(
        cells=tuple(cells),
        made=" ".join(
            value
            for value in (example.method, example.compression)
            if value not in ("", contract.REAL_METHOD)  # the label says that
        ),
        measured=(
            f"{example.width} x {example.height}, {example.fps:.4g} fps, {example.duration_s:.1f} s"
        ),
        crops=f"{min(sides)} to {max(sides)} pixels",
    )


def paint(title: str, summary: Sequence[str], blocks: Sequence[Block]) -> bytes:
    """Draws a sheet.

    Args:
        title: what it is of.
        summary: lines below the title.
        blocks: the rows, from top to bottom.

    Returns:
        A PNG, dark on light.
    """
    heights = [_HEADING_HEIGHT + sum(_height(video) for _, video in block.rows) for block in blocks]
    head = _MARGIN + 46 + 26 * (len(summary) + 1)
    sheet = Image.new("RGB", (_WIDTH, head + sum(heights) + _MARGIN), _PAPER)
    pen = ImageDraw.Draw(sheet)
    width = _WIDTH - 2 * _MARGIN
    pen.text((_MARGIN, _MARGIN), _fit(title, 32, width), _INK, _font(32))
    legend = "Above each crop: track and time. Below: detector score and sharpness."
    for number, line in enumerate([*summary, legend]):
        at = (_MARGIN, _MARGIN + 46 + 26 * number)
        pen.text(at, _fit(line, 18, width), _FADED if line is legend else _INK, _font(18))
    top = head
    for block in blocks:
        pen.rectangle((0, top + 6, _WIDTH, top + _HEADING_HEIGHT - 8), _BAND)
        pen.text((_MARGIN, top + 10), _fit(block.heading, 20, width), _INK, _font(20))
        top += _HEADING_HEIGHT
        for row, video in block.rows:
            _paint_text(pen, top, row, video)
            if video is None:
                left = _MARGIN + _TEXT_WIDTH
                pen.text((left, top + 8), row.status.value, _WARNING, _font(20))
                for number, line in enumerate(_wrap(row.reason, 16, _WIDTH - left - _MARGIN, 2)):
                    pen.text((left, top + 34 + 20 * number), line, _INK, _font(16))
            else:
                _paint_cells(sheet, pen, top, video.cells)
            top += _height(video)
            pen.line((_MARGIN, top - 1, _WIDTH - _MARGIN - 1, top - 1), _LINE)
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()


def printable(text: str) -> str:
    r"""Replaces what the font has no glyph for by escapes: `\u89c6`, and `\n` for a new line."""
    return "".join(
        char if _has_glyph(char) else char.encode("unicode_escape").decode() for char in text
    )


def _height(video: Video | None) -> int:
    return _EMPTY_ROW_HEIGHT if video is None else _ROW_HEIGHT


def _paint_text(pen: ImageDraw.ImageDraw, top: int, row: LedgerRow, video: Video | None) -> None:
    """The left column: label, method, dataset, split, status, name, measures, what was wrong."""
    name, colour = _LABELS.get(row.label, _UNKNOWN_LABEL)
    dataset, _, below = row.video_id.partition("/")
    space = _TEXT_WIDTH - 2 * _GAP
    width = _length(name, 16) + 16
    pen.rounded_rectangle((_MARGIN, top + 8, _MARGIN + width, top + 32), 4, colour)
    pen.text((_MARGIN + 8, top + 11), name, _PAPER, _font(16))
    made = f"{dataset} {video.made}" if video else dataset
    pen.text((_MARGIN + width + 10, top + 9), _fit(made, 19, space - width), _INK, _font(19))
    lines = [(line, _INK) for line in _wrap(below, _SMALL, space, 2 if video else 1)]
    if video is None:
        lines.append((row.split or "no split", _FADED))
    else:
        left_out = f", {row.tracks_left_out} left out" if row.tracks_left_out else ""
        tracks = f"{row.tracks_kept} track{'s' * (row.tracks_kept != 1)}{left_out}"
        lines.append((f"{row.faces} crops in {tracks}; {video.crops}", _FADED))
        lines.append((video.measured, _FADED))
        status = " ".join(filter(None, (row.status.value, row.reason and f"({row.reason})")))
        shade = _FADED if row.status is Status.OK else _WARNING
        lines += [(line, shade) for line in _wrap(f"{row.split}, {status}", _SMALL, space, 2)]
    for number, (line, shade) in enumerate(lines):
        at = (_MARGIN, top + 40 + 21 * number)
        pen.text(at, line, shade, _font(_SMALL))


def _paint_cells(
    sheet: Image.Image, pen: ImageDraw.ImageDraw, top: int, cells: Sequence[Cell]
) -> None:
    """The crops, those of one track under a bar of one colour."""
    left = _MARGIN + _TEXT_WIDTH
    changes = len({cell.track for cell in cells}) - 1
    for track, members in itertools.groupby(cells, key=lambda cell: cell.track):
        colour = _TRACK_COLOURS[track % len(_TRACK_COLOURS)]
        for number, cell in enumerate(members):
            at = top + 8
            label = f"track {track}" if number == 0 else ""
            pen.text((left, at), label, colour, _font(_SMALL))
            time = f"{cell.time_s:.1f} s"
            right = left + _CELL - _length(time, _SMALL)
            pen.text((right, at), time, _FADED, _font(_SMALL))
            at += _CAPTION
            sheet.paste(cell.picture, (left, at))
            pen.rectangle((left, at - 3, left + _CELL - 1, at - 1), colour)
            at += _CELL + 3
            score = f"{cell.score:.3f}"
            pen.text((left, at), score, _INK, _font(_SMALL))
            after = left + _length(score, _SMALL) + 8
            pen.text((after, at), f"sharp {cell.sharpness:.0f}", _FADED, _font(_SMALL))
            left += _CELL + _GAP
        left += min(_TRACK_GAP, _TRACK_GAPS // max(changes, 1))


def _wrap(text: str, size: int, width: float, count: int) -> list[str]:
    """Breaks text into lines of at most `width` pixels; cuts what the last of `count` cannot hold.

    Breaks after a blank or a slash, unless that is far away.
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
    return [*lines, _fit(text, size, width)] if text else lines


def _prefix(text: str, size: int, width: float) -> int:
    """How many characters fit, 1 at least."""
    ends = range(1, len(text) + 1)
    return max(1, bisect.bisect(ends, width, key=lambda end: _length(text[:end], size)))


def _fit(text: str, size: int, width: float) -> str:
    """Cuts out of the middle what does not fit: both ends of a name tell something."""
    text = printable(text)
    if _length(text, size) <= width:
        return text

    def without_middle(kept: int) -> str:
        return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"

    kept = bisect.bisect(
        range(1, len(text)), width, key=lambda kept: _length(without_middle(kept), size)
    )
    return without_middle(max(1, kept))


def _length(text: str, size: int) -> float:
    return _font(size).getlength(text)


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow's wheels carry FreeType"
    return font


@functools.cache
def _has_glyph(char: str) -> bool:
    """Whether the font draws a character, and not the sign for a missing one."""
    drawn, missing = (bytes(_font(16).getmask(each)) for each in (char, "\uffff"))
    return char.isprintable() and drawn != missing
