"""Files that datasets are described by: lists, CSV and JSON."""

import csv
import dataclasses
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from data.utils import files
from data.utils.errors import UsageError


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        line: number of its first line in the file; the header's is 1.
        cells: stripped of white space; lone surrogates stand for bytes that are not UTF-8.
    """

    line: int
    cells: tuple[str, ...]

    def by_column(self, columns: Sequence[str]) -> Mapping[str, str]:
        """The cells by column; missing ones are empty, surplus ones are left out.

        Example:
            >>> Row(2, ("a.mp4", "REAL")).by_column(("file", "label", "split"))
            {'file': 'a.mp4', 'label': 'REAL', 'split': ''}
        """
        return dict.fromkeys(columns, "") | dict(zip(columns, self.cells, strict=False))


def read(path: str, cure: str) -> bytes:
    """Reads a file.

    Args:
        path: local or a URL.
        cure: what to do if it cannot be read; ends the message.

    Raises:
        UsageError: there is no such file, or it cannot be read.
    """
    if not files.exists(path):
        raise UsageError(f"{path}: there is no such file; {cure}")
    try:
        return files.read_bytes(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); {cure}") from error


def read_json(path: str, cure: str) -> Any:
    """Reads a JSON file; arguments and errors are those of `read`.

    Returns:
        Its value; all text in it is valid Unicode.

    Raises:
        UsageError: it is not JSON.
    """
    content = read(path, cure)
    try:
        value = json.loads(content)
        json.dumps(value, ensure_ascii=False).encode()  # an escape can stand for half a character
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not JSON ({error}); {cure}") from error
    return value


def read_csv(path: str, cure: str) -> tuple[tuple[str, ...], list[Row]]:
    """Reads a CSV file (RFC 4180, UTF-8 with or without a byte order mark); see `read`.

    Cells may be separated by commas, semicolons or tabs, whichever the header has most of, or as a
    first line `sep=;` says, which spreadsheets write.

    Returns:
        The columns that the first line names, and the rows that are not blank; they may have
        more or fewer cells than there are columns.

    Raises:
        UsageError: it is not CSV.
    """
    text = read(path, cure).decode("utf-8-sig", errors="surrogateescape")
    first, _, rest = text.partition("\n")
    separator = max(",;\t", key=first.count)
    declared = first.lower().strip('"\r ').startswith("sep=")
    if declared:
        separator, text = first.strip('"\r ')[4:] or ",", rest
    try:
        lines = csv.reader(
            io.StringIO(text, newline=""), strict=True, delimiter=separator, skipinitialspace=True
        )
    except TypeError as error:
        raise UsageError(f"{path}: {separator!r} separates no cells; {cure}") from error
    rows = []
    try:
        columns = tuple(column.strip() for column in next(lines, []))
        before = lines.line_num
        for cells in lines:
            if any(cell.strip() for cell in cells):
                rows.append(Row(before + declared + 1, tuple(cell.strip() for cell in cells)))
            before = lines.line_num
    except csv.Error as error:
        line = lines.line_num + declared
        raise UsageError(f"{path}, line {line}: not CSV in UTF-8: {error}") from error
    return columns, rows
