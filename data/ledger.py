"""The ledger: one row for each input video, whatever became of it."""

import csv
import dataclasses
import enum
import io
import json
import re
import typing
from collections.abc import Callable, Iterable, Mapping

from data.utils.errors import UsageError

FILE_NAME = "ledger.csv"


class Status(str, enum.Enum):
    """What became of an input video."""

    OK = "ok"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    NO_FACE = "no_face"
    FACES_TOO_SMALL = "faces_too_small"
    TOO_BLURRED = "too_blurred"
    UNREADABLE = "unreadable"
    MISSING = "missing"
    DUPLICATE = "duplicate"
    REFUSED_CROSS_SPLIT = "refused_cross_split"
    REFUSED_BALANCE = "refused_balance"
    REFUSED_INPUT = "refused_input"
    TIMEOUT = "timeout"
    CRASHED = "crashed"


NOT_READ = frozenset(
    (Status.UNREADABLE, Status.MISSING, Status.REFUSED_INPUT, Status.TIMEOUT, Status.CRASHED)
)
"""Inputs about which nothing is known in the end: a command that meets one ends with 1."""


@dataclasses.dataclass(frozen=True)
class LedgerRow:
    """What became of one input video.

    Attributes:
        video_id: dataset name and path relative to the dataset's root, joined by `/`.
        path: where the file is, or should have been.
        sha256: of the file, 64 hexadecimal digits; empty if it could not be read.
        split: one of `data.contract.SPLITS`; empty if the video was refused.
        label: `data.contract.Label`, or -1 if the dataset does not tell one that is known.
        status: what became of it.
        used: whether it became an Example.
        reason: one sentence for people; empty if `status` is `Status.OK`.
        frames_declared: frames that the container holds packets for.
        frames_decoded: frames that were decoded.
        frames_damaged: packets or frames that could not be decoded whole.
        faces: usable face crops in the Example.
        tracks_kept: tracks in the Example.
        tracks_left_out: tracks of faces, usable or not, that are not kept.
        original: `video_id` of the original whose boxes were to be used; empty if there were none.
        boxes_from: the same if they fitted and were used; empty if its own were.
        shard: file name of the shard that holds the Example; empty if there is none.
        seconds: what the extraction took.
    """

    video_id: str
    path: str
    sha256: str = dataclasses.field(default="", kw_only=True)
    split: str = dataclasses.field(default="", kw_only=True)
    label: int
    status: Status
    used: bool = False
    reason: str = ""
    frames_declared: int = 0
    frames_decoded: int = 0
    frames_damaged: int = 0
    faces: int = 0
    tracks_kept: int = 0
    tracks_left_out: int = 0
    original: str = ""
    boxes_from: str = ""
    shard: str = ""
    seconds: float = 0.0


COLUMNS = tuple(field.name for field in dataclasses.fields(LedgerRow))
"""Columns of `ledger.csv`, in their order."""

_FROM_TEXT: Mapping[type, Callable[[str], typing.Any]] = {
    str: str,
    int: int,
    float: float,
    Status: Status,
    bool: {"yes": True, "no": False}.__getitem__,
}


def percent_encode(name: str) -> str:
    r"""Makes a file name printable: bytes that are not UTF-8 become `%XX`.

    Python holds such bytes as lone surrogates (PEP 383), which no UTF-8 file, JSON text or
    protocol buffer takes. Names that are UTF-8 come back unchanged.

    Args:
        name: a file name or path, or text that quotes one.

    Returns:
        The text with each undecodable byte replaced.

    Example:
        >>> percent_encode("caf\udce9.mp4"), percent_encode("café.mp4")
        ('caf%E9.mp4', 'café.mp4')
    """
    return re.sub(r"[\udc80-\udcff]", lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", name)


def to_csv(rows: Iterable[LedgerRow]) -> str:
    """Writes a ledger: RFC 4180 CSV, one header and one row a video, in the order of `rows`."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(map(_to_record, rows))
    return text.getvalue()


def from_csv(text: str, name: str) -> list[LedgerRow]:
    """Reads what `to_csv` wrote.

    Args:
        text: the ledger.
        name: what messages call it.

    Returns:
        The rows in the text's order; names that are not UTF-8 stay percent-encoded.

    Raises:
        UsageError: it is not a ledger; names the line.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise UsageError(f"{name}: not a ledger; its columns must be {','.join(COLUMNS)}")
        rows = []
        for record in reader:
            try:
                rows.append(_from_record(record))
            except (KeyError, TypeError, ValueError) as error:
                raise UsageError(
                    f"{name}, line {reader.line_num}: not a row of a ledger: {error}"
                ) from error
        return rows
    except csv.Error as error:
        raise UsageError(f"{name}: not a ledger: {error}") from error


def to_json(row: LedgerRow) -> str:
    """Writes a row as one JSON object; names that are not UTF-8 are percent-encoded."""
    return json.dumps(_to_record(row), ensure_ascii=False)


def from_json(text: str) -> LedgerRow:
    """Reads what `to_json` wrote.

    Raises:
        ValueError: the text is not a row.
    """
    try:
        return _from_record(json.loads(text))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a row of a ledger: {error}") from error


def _to_record(row: LedgerRow) -> dict[str, str]:
    record = {}
    for column in COLUMNS:
        value = getattr(row, column)
        if isinstance(value, Status):
            value = value.value
        elif isinstance(value, bool):
            value = "yes" if value else "no"
        # An IntEnum such as Label formats as its name; the ledger holds the number.
        elif isinstance(value, int):
            value = int(value)
        record[column] = percent_encode(str(value))
    return record


def _from_record(record: Mapping[str, str]) -> LedgerRow:
    if set(record) != set(COLUMNS):
        raise ValueError(f"expected {len(COLUMNS)} columns, got {len(record)}")
    types = typing.get_type_hints(LedgerRow)
    return LedgerRow(**{name: _FROM_TEXT[types[name]](record[name]) for name in COLUMNS})
