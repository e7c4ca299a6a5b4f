"""How a contact sheet looks: a row a video, with crops in time and what is known of them."""

import dataclasses
import io
import itertools
from collections.abc import Sequence

from PIL import Image, ImageDraw

from data import contract
from data.contract import FaceCrop
from data.ledger import LedgerRow, Status
from data.visualization.drawing import (
    BAND,
    FADED,
    INK,
    LABELS,
    LINE,
    PAPER,
    UNKNOWN_LABEL,
    WARNING,
    fit,
    font,
    text_width,
    wrap,
)

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
class VideoCells:
    """What is shown of a video that has an Example."""

    cells: tuple[Cell, ...]
    made: str
    measured: str
    crop_sizes: str


@dataclasses.dataclass(frozen=True)
class RowGroup:
    """Rows under one heading; videos without an Example have None."""

    heading: str
    rows: Sequence[tuple[LedgerRow, VideoCells | None]]


def prepare(example: contract.VideoExample, faces: Sequence[FaceCrop]) -> VideoCells:
    """Keeps what is shown of an Example: the crops of `faces`, at the size of a cell."""
    sides = []
    cells = []
    for face in faces:
        crop = Image.open(io.BytesIO(face.image)).convert("RGB")
        sides.append(crop.width)
        picture = crop.resize((_CELL, _CELL), Image.Resampling.BICUBIC)
        cells.append(Cell(picture, face.track, face.time_s, face.score, face.sharpness))
    measured = example.measurements
    return VideoCells(
        cells=tuple(cells),
        made=" ".join(
            value
            for value in (example.annotation.method, example.annotation.compression)
            if value not in ("", contract.REAL_METHOD)  # the label says that
        ),
        measured=(
            f"{measured.width} x {measured.height}, {measured.fps:.4g} fps, "
            f"{measured.duration_s:.1f} s"
        ),
        crop_sizes=f"{min(sides)} to {max(sides)} pixels",
    )


def render(title: str, summary: Sequence[str], groups: Sequence[RowGroup]) -> bytes:
    """Draws a sheet.

    Args:
        title: what it is of.
        summary: lines below the title.
        groups: the rows, from top to bottom.

    Returns:
        A PNG, dark on light.
    """
    heights = [_HEADING_HEIGHT + sum(_height(video) for _, video in group.rows) for group in groups]
    head = _MARGIN + 46 + 26 * (len(summary) + 1)
    sheet = Image.new("RGB", (_WIDTH, head + sum(heights) + _MARGIN), PAPER)
    pen = ImageDraw.Draw(sheet)
    width = _WIDTH - 2 * _MARGIN
    pen.text((_MARGIN, _MARGIN), fit(title, 32, width), INK, font(32))
    legend = "Above each crop: track and time. Below: detector score and sharpness."
    for number, line in enumerate([*summary, legend]):
        at = (_MARGIN, _MARGIN + 46 + 26 * number)
        pen.text(at, fit(line, 18, width), FADED if line is legend else INK, font(18))
    top = head
    for group in groups:
        pen.rectangle((0, top + 6, _WIDTH, top + _HEADING_HEIGHT - 8), BAND)
        pen.text((_MARGIN, top + 10), fit(group.heading, 20, width), INK, font(20))
        top += _HEADING_HEIGHT
        for row, video in group.rows:
            _draw_text(pen, top, row, video)
            if video is None:
                left = _MARGIN + _TEXT_WIDTH
                pen.text((left, top + 8), row.status.value, WARNING, font(20))
                for number, line in enumerate(wrap(row.reason, 16, _WIDTH - left - _MARGIN, 2)):
                    pen.text((left, top + 34 + 20 * number), line, INK, font(16))
            else:
                _draw_cells(sheet, pen, top, video.cells)
            top += _height(video)
            pen.line((_MARGIN, top - 1, _WIDTH - _MARGIN - 1, top - 1), LINE)
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()


def _height(video: VideoCells | None) -> int:
    return _EMPTY_ROW_HEIGHT if video is None else _ROW_HEIGHT


def _draw_text(
    pen: ImageDraw.ImageDraw, top: int, row: LedgerRow, video: VideoCells | None
) -> None:
    """The left column: label, method, dataset, split, status, name, measures, what was wrong."""
    name, colour = LABELS.get(row.label, UNKNOWN_LABEL)
    dataset, _, below = row.video_id.partition("/")
    space = _TEXT_WIDTH - 2 * _GAP
    width = text_width(name, 16) + 16
    pen.rounded_rectangle((_MARGIN, top + 8, _MARGIN + width, top + 32), 4, colour)
    pen.text((_MARGIN + 8, top + 11), name, PAPER, font(16))
    made = f"{dataset} {video.made}" if video else dataset
    pen.text((_MARGIN + width + 10, top + 9), fit(made, 19, space - width), INK, font(19))
    lines = [(line, INK) for line in wrap(below, _SMALL, space, 2 if video else 1)]
    if video is None:
        lines.append((row.split or "no split", FADED))
    else:
        left_out = f", {row.tracks_left_out} left out" if row.tracks_left_out else ""
        tracks = f"{row.tracks_kept} track{'s' * (row.tracks_kept != 1)}{left_out}"
        lines.append((f"{row.faces} crops in {tracks}; {video.crop_sizes}", FADED))
        lines.append((video.measured, FADED))
        status = " ".join(filter(None, (row.status.value, row.reason and f"({row.reason})")))
        shade = FADED if row.status is Status.OK else WARNING
        lines += [(line, shade) for line in wrap(f"{row.split}, {status}", _SMALL, space, 2)]
    for number, (line, shade) in enumerate(lines):
        at = (_MARGIN, top + 40 + 21 * number)
        pen.text(at, line, shade, font(_SMALL))


def _draw_cells(
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
            pen.text((left, at), label, colour, font(_SMALL))
            time = f"{cell.time_s:.1f} s"
            right = left + _CELL - text_width(time, _SMALL)
            pen.text((right, at), time, FADED, font(_SMALL))
            at += _CAPTION
            sheet.paste(cell.picture, (left, at))
            pen.rectangle((left, at - 3, left + _CELL - 1, at - 1), colour)
            at += _CELL + 3
            score = f"{cell.score:.3f}"
            pen.text((left, at), score, INK, font(_SMALL))
            after = left + text_width(score, _SMALL) + 8
            pen.text((after, at), f"sharp {cell.sharpness:.0f}", FADED, font(_SMALL))
            left += _CELL + _GAP
        left += min(_TRACK_GAP, _TRACK_GAPS // max(changes, 1))
