"""Reads any dataset that a CSV file lists.

    file,label,split,source,method,dataset,compression,age_group
    real/a.mp4,REAL,train,,,mine,c23,18-30
    fake/a_b.mp4,FAKE,train,real/a.mp4;person 7,Deepfakes,mine,c23,18-30

`file` and `label` are required; the others may be left out or empty. Any further column becomes
`slice/<column>`, by which models are evaluated. A row that cannot be used is refused; the others
are still read. Fakes that name no source are counted in a note: what they were made from may lie in
another split.
"""

import dataclasses
import os
import posixpath
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence

from data import contract
from data.datasets import options
from data.datasets.base import UNKNOWN_LABEL, Listing, SourceVideo
from data.datasets.clips import UNKNOWN_METHOD, clip_id, deduplicate_rows, is_inside, refused_clip
from data.datasets.manifest_sources import SourceMatcher, plain_path
from data.datasets.metadata_file import Row, read_csv
from data.utils import files
from data.utils.errors import UsageError
from data.utils.name_some import name_some

FILE_NAME = "manifest.csv"
"""Read if a folder is given."""

DATASET = "manifest"
"""`dataset` of rows that name none, and prefix of all source keys."""

UNKNOWN = "unknown"
"""Slice of a video whose cell is empty."""

_REQUIRED = ("file", "label")
_OPTIONAL = ("split", "source", "method", "dataset", "compression")

_LABELS = {
    **dict.fromkeys(("real", "r"), contract.Label.REAL),
    **dict.fromkeys(("fake", "f"), contract.Label.FAKE),
}
_SPLITS = {"val": "eval", "validation": "eval", **{split: split for split in contract.SPLITS}}

# A column of such a name would be mistaken for a feature of the contract, or for the slice buckets
# that are computed from one.
_RESERVED = {
    *("face_size", "faces", "frame_count", "slices"),
    *(feature.attribute.rpartition(".")[2] for feature in contract.FEATURES.values()),
}

_CURE = (
    "--input must name a CSV file with the columns 'file' and 'label', or a folder that holds it "
    f"as {FILE_NAME}"
)


@dataclasses.dataclass(frozen=True)
class _Row:
    """A row by its columns.

    Attributes:
        line: number of its first line in the file.
        file: path relative to the manifest in the form of `plain_path`, if it can be used.
        cells: by column; every column that can be used is there.
        problem: why it cannot be used; empty if it can.
    """

    line: int
    file: str
    cells: Mapping[str, str]
    problem: str

    @property
    def label(self) -> int:
        """`data.contract.Label`, or `UNKNOWN_LABEL`."""
        return _LABELS.get(self.cells["label"].lower(), UNKNOWN_LABEL)

    @property
    def dataset(self) -> str:
        """The dataset that the row names, if the name can be used."""
        name = self.cells["dataset"]
        return name if name and "/" not in name and _is_utf8(name) else DATASET


def read(root: str, *, splits: str | None, official: bool) -> Listing:
    """Lists the videos of a CSV file without opening them.

    Each row becomes a video, whether its file exists or not. A name in `source` means the same
    person or clip throughout the manifest, whatever the `dataset` column says. The path or name
    of another row's file means that row, see `SourceMatcher`. A row without `source` is its own.

    Args:
        root: the CSV file (UTF-8), or the folder that holds it as `manifest.csv`. Paths in it
            are relative to its folder.
        splits: must be None: the manifest has its splits in a column.
        official: must be False.

    Returns:
        As many videos as rows. Those that cannot be used are refused, and so are those that
        list a file again, or with another label. Notes say of how many fakes the sources are not
        known.

    Raises:
        UsageError: there is no such file, it is not CSV, lists nothing, lacks a column or has
            one that cannot be used, or an option is given that a manifest has no use for.
    """
    because = "which has its splits in a column 'split'"
    options.reject("a manifest", because, splits=splits, official=official)
    inside = files.join(root, FILE_NAME)
    path = inside if files.exists(inside) else root
    columns, table = read_csv(path, _CURE)
    known = _REQUIRED + _OPTIONAL
    columns = tuple(name.lower() if name.lower() in known else name for name in columns)
    _check_columns(path, columns)
    if not table:
        raise UsageError(f"{path}: lists no video; each line after the first must name one")
    folder = files.parent(path)
    absolute = os.path.abspath(folder) if files.is_local(folder) else folder
    rows = [_check(row, columns, absolute) for row in table]
    usable = [row for row in reversed(rows) if not row.problem]  # of two rows the first counts
    matcher = SourceMatcher((row.file for row in usable), absolute)
    sources = {row.line: matcher.sources(row.cells["source"]) for row in usable}
    named = {source for row in usable for source in sources[row.line]}
    reals = {row.file: row for row in usable if row.label == contract.Label.REAL}
    videos = deduplicate_rows(
        (
            _source_video(row, folder, sources.get(row.line, []), named, reals),
            row.file,
            f"line {row.line}",
        )
        for row in rows
    )
    fakes = [row for row in usable if row.label == contract.Label.FAKE]
    notes = _notes(path, {row.file: sources[row.line] for row in fakes}, {r.file for r in usable})
    return Listing(tuple(sorted(videos, key=lambda video: video.video_id)), notes)


def _notes(
    path: str, sources: Mapping[str, Sequence[str]], listed: Collection[str]
) -> tuple[str, ...]:
    """What is not known of the fakes, `sources` by their file, where `listed` are all files."""
    name, notes = posixpath.basename(path), []
    without = sorted(file for file, named in sources.items() if not named)
    if without:
        notes.append(
            f"{name}: {len(without)} of {len(sources)} fakes name no source, so it is unknown "
            f"whether what they were made from lies in another split: {name_some(without)}; fill "
            "in the column 'source'"
        )
    unmatched = sorted({name for named in sources.values() for name in named} - set(listed))
    if unmatched:
        notes.append(
            f"{name}: {len(unmatched)} sources of fakes are no file of the list, or one of "
            f"several, and are taken for people or clips of these names: {name_some(unmatched)}"
        )
    return tuple(notes)


def _check_columns(path: str, columns: Sequence[str]) -> None:
    for column in columns:
        if not _is_utf8(column):
            raise UsageError(f"{path}: the header is not UTF-8; save the file as UTF-8")
    names = ", ".join(repr(column) for column in columns) or "nothing"
    for column in _REQUIRED:
        if column not in columns:
            raise UsageError(
                f"{path}: no column '{column}'; the first line must name the columns, but holds "
                f"{names}"
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


def _check(row: Row, columns: Sequence[str], folder: str) -> _Row:
    cells = {**dict.fromkeys(_OPTIONAL, ""), **row.by_column(columns)}
    file = cells["file"] and plain_path(cells["file"], folder)
    label, split, method = (cells[column].lower() for column in ("label", "split", "method"))
    problem = ""
    if not all(map(_is_utf8, row.cells)):
        problem = "not UTF-8"
    elif len(row.cells) != len(columns):
        problem = f"a row of {len(row.cells)} cells, but there are {len(columns)} columns"
    elif not is_inside(file):
        problem = (
            f"not a path inside the manifest's folder: {cells['file']!r}; move the manifest to a "
            "folder above all of its files, or link them there"
        )
    elif label not in _LABELS:
        problem = f"its label is {cells['label']!r}, neither REAL nor FAKE"
        if label in ("0", "1", "true", "false"):
            problem += ": lists differ in what that means, so write REAL or FAKE"
    elif split and split not in _SPLITS:
        problem = f"its split is none of {', '.join(contract.SPLITS)}: {cells['split']!r}"
    elif label == "real" and method not in ("", contract.REAL_METHOD):
        problem = f"a REAL video has no method: {cells['method']!r}"
    elif label == "fake" and method == contract.REAL_METHOD:
        problem = f"the method of a FAKE video is what it was made by: {cells['method']!r}"
    elif "/" in cells["dataset"]:
        problem = f"a dataset's name has no / in it: {cells['dataset']!r}"
    return _Row(row.line, cells["file"] if problem else file, cells, problem)


def _source_video(
    row: _Row,
    folder: str,
    sources: Sequence[str],
    named: Collection[str],
    reals: Mapping[str, _Row],
) -> SourceVideo:
    """Turns a row into a video; `named` are the sources of all rows."""
    if row.problem:
        return refused_clip(row.dataset, folder, row.file, row.problem, row.label)
    cells = row.cells
    is_real = row.label == contract.Label.REAL
    originals = [] if is_real else [reals[source] for source in sources if source in reals]
    # A row's own file is a source only where it has to be. A group is named after its smallest
    # source, and one more fake of the same person should not rename the group.
    if not sources or row.file in named:
        sources = [row.file, *sources]
    return SourceVideo(
        video_id=clip_id(row.dataset, row.file),
        path=_existing(files.join(folder, row.file)),
        label=row.label,
        dataset=row.dataset,
        method=contract.REAL_METHOD if is_real else cells["method"] or UNKNOWN_METHOD,
        compression=cells["compression"],
        sources=tuple(dict.fromkeys(f"{DATASET}/{source}" for source in sources)),
        split=_SPLITS[cells["split"].lower()] if cells["split"] else None,
        slices={
            column: value or UNKNOWN
            for column, value in cells.items()
            if column not in _REQUIRED + _OPTIONAL
        },
        original=clip_id(originals[0].dataset, originals[0].file) if len(originals) == 1 else "",
    )


def _existing(path: str) -> str:
    """A path as the file system has it: Macs decompose letters with accents (NFD)."""
    if path.isascii():
        return path
    forms = (path, unicodedata.normalize("NFD", path))
    return next((form for form in forms if files.exists(form)), path)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
