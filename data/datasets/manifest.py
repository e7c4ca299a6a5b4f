"""Reads any dataset that a CSV file lists.

    file,label,split,source,method,dataset,compression,age_group
    real/a.mp4,REAL,train,,,mine,c23,18-30
    fake/a_b.mp4,FAKE,train,real/a.mp4;person 7,Deepfakes,mine,c23,18-30

`file` and `label` are needed; the others may be left out or empty. Any further column is carried
along as `slice/<column>`, to be evaluated by.
"""

import csv
import dataclasses
import pathlib
import posixpath
import re
from collections.abc import Mapping, Sequence

from data import contract
from data.datasets.base import SourceVideo
from data.errors import UsageError

FILE_NAME = "manifest.csv"
"""Read if a folder is given."""

DATASET = "manifest"
"""`dataset` of rows that name none, and prefix of all source keys."""

UNKNOWN = "unknown"
"""`method` of a fake, or slice of a video, that the file does not tell."""

_REQUIRED = ("file", "label")
_OPTIONAL = ("split", "source", "method", "dataset", "compression")

_LABELS = {"real": contract.Label.REAL, "fake": contract.Label.FAKE}
_SPLITS = {"val": "eval", "validation": "eval", **{split: split for split in contract.SPLITS}}

# A column of such a name would be taken for a feature of the contract, or for the slice buckets
# that are computed from one.
_RESERVED = {
    "face_size",
    *(field.name for field in dataclasses.fields(contract.VideoExample)),
    *(field.name for field in dataclasses.fields(contract.FaceCrop)),
}

_MOST_SHOWN = 10
"""Bad rows that one message lists before it counts the rest."""


@dataclasses.dataclass(frozen=True)
class _Row:
    line: int
    cells: Mapping[str, str]

    @property
    def file(self) -> str:
        """Path relative to the manifest, in its shortest form."""
        return posixpath.normpath(self.cells["file"])

    @property
    def sources(self) -> list[str]:
        """What the row says it was made from; files in their shortest form."""
        named = (source.strip() for source in self.cells["source"].split(";"))
        return [posixpath.normpath(source) for source in named if source]


def read(root: pathlib.Path, splits_dir: pathlib.Path | None = None) -> list[SourceVideo]:
    """Lists the videos of a CSV file without opening them.

    A name in `source` means the same person or clip throughout the file, whatever the
    `dataset` column says; the path of another row's file means that row. A row without
    `source` is its own. Files that do not exist are listed all the same.

    Args:
        root: the CSV file (UTF-8), or the folder that holds it as `manifest.csv`. Paths in it
            are relative to its folder.
        splits_dir: must be None: the manifest has its splits in a column.

    Returns:
        The videos in the file's order.

    Raises:
        UsageError: there is no such file, it lacks a column or has one that cannot be used, or
            rows are wrong; these are listed with their line numbers.
    """
    if splits_dir is not None:
        raise UsageError(
            f"{splits_dir}: a manifest has no split lists; leave out --splits and "
            f"write the splits into a column 'split'"
        )
    path = root / FILE_NAME if root.is_dir() else root
    rows = _check(path, *_read_rows(path))
    named = {source for row in rows for source in row.sources}
    return [_describe(row, path.parent, named) for row in rows]


def _read_rows(path: pathlib.Path) -> tuple[list[_Row], list[str]]:
    """Reads the rows and what is wrong with the text of some."""
    rows: list[_Row] = []
    problems: list[str] = []
    try:
        # Bytes that are not UTF-8 become surrogates, so that their line can be named.
        with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            lines = csv.reader(file, strict=True)
            columns = [column.strip() for column in next(lines, [])]
            _check_columns(path, columns)
            before = lines.line_num
            for cells in lines:
                line, before = before + 1, lines.line_num
                if not cells:
                    continue
                if not all(map(_is_utf8, cells)):
                    problems.append(f"line {line}: not UTF-8")
                elif len(cells) != len(columns):
                    problems.append(
                        f"line {line}: {len(cells)} cells, but there are {len(columns)} columns"
                    )
                else:
                    blank = dict.fromkeys(_OPTIONAL, "")
                    stripped = (cell.strip() for cell in cells)
                    rows.append(_Row(line, blank | dict(zip(columns, stripped, strict=True))))
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror}); --input must name a CSV file with the "
            f"columns 'file' and 'label', or a folder that holds it as {FILE_NAME}"
        ) from error
    except csv.Error as error:
        raise UsageError(f"{path}, line {lines.line_num}: not CSV in UTF-8: {error}") from error
    return rows, problems


def _check_columns(path: pathlib.Path, columns: Sequence[str]) -> None:
    for column in columns:
        if not _is_utf8(column):
            raise UsageError(f"{path}: the header is not UTF-8; save the file as UTF-8")
    found = ", ".join(repr(column) for column in columns) or "nothing"
    for column in _REQUIRED:
        if column not in columns:
            raise UsageError(
                f"{path}: no column '{column}'; the first line must name the columns, separated "
                f"by commas, but holds {found}"
            )
    for column in columns:
        if columns.count(column) > 1:
            raise UsageError(f"{path}: column '{column}' is there more than once; rename one")
        if column in _REQUIRED + _OPTIONAL:
            continue
        if not re.fullmatch(r"[A-Za-z0-9_]+", column):
            raise UsageError(
                f"{path}: column {column!r} must be renamed: only letters without accents, "
                f"digits and _ can be used"
            )
        if column.lower() in _RESERVED.union(_REQUIRED, _OPTIONAL):
            raise UsageError(f"{path}: column '{column}' must be renamed: the name is taken")


def _check(path: pathlib.Path, rows: Sequence[_Row], problems: Sequence[str]) -> Sequence[_Row]:
    """Returns the rows if nothing is wrong with them."""
    problems = list(problems)
    first_line: dict[str, int] = {}
    for row in rows:
        found = _problems(row)
        if row.cells["file"]:
            line = first_line.setdefault(row.file, row.line)
            if line != row.line:
                found.append(f"file '{row.file}' is in line {line} already")
        problems += [f"line {row.line}: {problem}" for problem in found]
    if problems:
        problems.sort(key=lambda problem: int(problem.removeprefix("line ").partition(":")[0]))
        more = len(problems) - _MOST_SHOWN
        if more > 0:
            problems[_MOST_SHOWN:] = [f"and {more} more"]
        total = max(more, 0) + min(len(problems), _MOST_SHOWN)
        raise UsageError("\n  ".join([f"{path}: {total} to be corrected:", *problems]))
    if not rows:
        raise UsageError(f"{path}: lists no video; each line after the first must name one")
    return rows


def _problems(row: _Row) -> list[str]:
    """What is wrong with one row, in words."""
    file, label, split, method, dataset = (
        row.cells[column] for column in ("file", "label", "split", "method", "dataset")
    )
    problems = []
    if not file:
        problems.append("no file")
    elif posixpath.isabs(file) or row.file == "." or row.file.split("/")[0] == "..":
        problems.append(f"file '{file}' must be a path inside the manifest's folder")
    if label.lower() not in _LABELS:
        problems.append(f"label '{label}' must be REAL or FAKE")
    if split and split.lower() not in _SPLITS:
        problems.append(f"split '{split}' must be one of {', '.join(contract.SPLITS)}")
    if label.lower() == "real" and method.lower() not in ("", contract.REAL_METHOD):
        problems.append(f"method '{method}' on a REAL video must be left empty")
    if label.lower() == "fake" and method.lower() == contract.REAL_METHOD:
        problems.append(f"method '{method}' on a FAKE video must be the method it was made by")
    if "/" in dataset:
        problems.append(f"dataset '{dataset}' must not contain /")
    return problems


def _describe(row: _Row, folder: pathlib.Path, named: set[str]) -> SourceVideo:
    """Turns a row without problems into a video; `named` is what rows name as sources."""
    cells = row.cells
    label = _LABELS[cells["label"].lower()]
    dataset = cells["dataset"] or DATASET
    sources = row.sources
    # A row's own file is a source only if it must be: a group is named after its smallest
    # source, and one more fake of the same person should not rename it.
    if not sources or row.file in named:
        sources = [row.file, *sources]
    return SourceVideo(
        video_id=f"{dataset}/{row.file}",
        path=str(folder / row.file),
        label=label,
        dataset=dataset,
        method=contract.REAL_METHOD if label == contract.Label.REAL else cells["method"] or UNKNOWN,
        compression=cells["compression"],
        sources=tuple(dict.fromkeys(f"{DATASET}/{source}" for source in sources)),
        split=_SPLITS[cells["split"].lower()] if cells["split"] else None,
        slices={
            column: value or UNKNOWN
            for column, value in cells.items()
            if column not in _REQUIRED + _OPTIONAL
        },
    )


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
