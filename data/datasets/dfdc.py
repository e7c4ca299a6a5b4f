"""Reads the Deepfake Detection Challenge's datasets: the full one and its preview.

Dolhansky et al., "The DeepFake Detection Challenge (DFDC) Dataset", 2020
(https://arxiv.org/abs/2006.07397) and "The Deepfake Detection Challenge (DFDC) Preview Dataset",
2019 (https://arxiv.org/abs/1910.08854); the files' fields are those that
https://github.com/polimi-ispl/icpr2020dfdc (index_dfdc.py),
https://github.com/SCLBD/DeepfakeBench (preprocessing/rearrange.py) and
https://github.com/mapooon/SelfBlendedImages (src/inference/datasets.py) read.

    dfdc_train_part_0/metadata.json    {"a.mp4": {"label": "FAKE", "original": "b.mp4"}, ...}
    validation/labels.csv, test/labels.csv      filename,label with 1 for fakes
    test/metadata.json                 {"a.mp4": {"is_fake": 1}, ...}
    dataset.json (preview)             {"method_A/1003254/1003254_A/1255229_1003254_A_001.mp4":
                    {"label": "fake", "set": "train", "target_id": .., "swapped_id": ..}, ...}

Clips lie beside the file that lists them, or in `videos` below. The preview names the actors of
a clip but not the clip that a fake was made from. In the full dataset it is the other way round.
"""

import dataclasses
import posixpath
from collections.abc import Collection, Mapping
from typing import Any

from data import contract
from data.datasets import options
from data.datasets.base import UNKNOWN_LABEL, Listing, SourceVideo
from data.datasets.clips import (
    LEVEL,
    UNKNOWN_METHOD,
    clip_id,
    deduplicate_rows,
    is_inside,
    locate,
    refused_clip,
)
from data.datasets.metadata_file import read_csv, read_json
from data.ledger import percent_encode
from data.utils import files
from data.utils.errors import UsageError
from data.video import has_video_suffix

DATASET = "dfdc"

_METADATA_NAMES = ("metadata.json", "dataset.json", "labels.csv")
_DEPTH = 5
"""Levels below the root: of the preview in a folder of its own, method, actor, recording, file."""

_LABELS = {
    "real": contract.Label.REAL,
    "0": contract.Label.REAL,
    "fake": contract.Label.FAKE,
    "1": contract.Label.FAKE,
}
_NOTE = (
    "DFDC does not publish the actors of its full dataset: the same people may be in several "
    "splits, and nobody can tell"
)
_CURE = (
    "--input must name a folder with the parts of the dataset, or one part, or its metadata "
    f"({', '.join(_METADATA_NAMES)}), as they were downloaded"
)


@dataclasses.dataclass(frozen=True)
class _Row:
    """What a metadata file says of one clip.

    Attributes:
        place: of the row among all metadata, for people.
        folder: of the metadata file below the root, with a slash at its end, or empty.
        name: the clip as the metadata names it, relative to its folder.
        fields: what is said of it.
        split: `test` or `eval` if it is officially held out, `train` if it officially is not,
            empty if the file does not say.
        problem: why it cannot be used; empty if it can.
    """

    place: str
    folder: str
    name: str
    fields: Mapping[str, Any]
    split: str
    problem: str

    @property
    def written_label(self) -> object:
        """The label as it stands there."""
        return self.fields.get("label", self.fields.get("is_fake"))

    @property
    def label(self) -> int:
        """`data.contract.Label`, or `UNKNOWN_LABEL`."""
        return _LABELS.get(str(self.written_label).lower(), UNKNOWN_LABEL)

    @property
    def is_real(self) -> bool:
        return self.label == contract.Label.REAL

    @property
    def actors(self) -> tuple[str, ...]:
        """Keys of the people; empty where they are not published."""
        named = (self.fields.get(person) for person in ("target_id", "swapped_id"))
        return tuple(dict.fromkeys(f"{DATASET}/actor {id_}" for id_ in named if id_))

    @property
    def original(self) -> str:
        """The file that a fake was made from; empty if the metadata does not say."""
        return str(self.fields.get("original") or "") if self.label == contract.Label.FAKE else ""


def read(root: str, *, splits: str | None, official: bool) -> Listing:
    """Lists the clips of DFDC without opening them.

    Every clip that a metadata file lists becomes a video, whether it is there or not. Clips that
    no file lists become videos that are refused. Clips that are officially held out (`labels.csv`
    and `is_fake` of the full dataset, the preview's `set`) keep their split, and the others are
    not drawn into these splits; if none is held out, all three are drawn. A fake stays with its
    original and with all that was made from it; in the preview, with all clips of its actors.

    Args:
        root: a folder with any number of parts in it, one part, or the metadata file of one
            (`.json` or `.csv`), in whose folder the clips are.
        splits: must be None: the metadata says the splits.
        official: must be False: they are taken as they are.

    Returns:
        The videos.

    Raises:
        UsageError: there is no metadata, it is malformed, or an option is given that this
            dataset has no use for.
    """
    options.reject(DATASET, "whose metadata tells the splits", splits=splits, official=official)
    if root.endswith((".json", ".csv")):
        root, metadata = files.parent(root), [posixpath.basename(root)]
        names = [
            name
            for name in files.find(root, 2, closed=has_video_suffix)
            if "/" not in name.removeprefix(LEVEL)
        ]
    else:
        names = files.find(root, _DEPTH, closed=has_video_suffix)
        metadata = [name for name in names if posixpath.basename(name) in _METADATA_NAMES]
    if not metadata:
        raise UsageError(f"{root}: no {' or '.join(_METADATA_NAMES)} in it; {_CURE}")
    clips = {name for name in names if has_video_suffix(name)}
    rows = [row for name in metadata for row in _read_rows(root, name)]
    paths = [locate(clips, row.folder, row.name) for row in rows]
    held_out = {row.split for row in rows if row.split in ("eval", "test")}
    reals = {path for row, path in zip(rows, paths, strict=True) if row.is_real}
    videos = deduplicate_rows(
        (_source_video(root, row, path, clips, held_out, reals), path, row.place)
        for row, path in zip(rows, paths, strict=True)
    )
    unlisted = clips.difference(paths)
    videos += [refused_clip(DATASET, root, name, "no metadata lists it") for name in unlisted]
    notes = () if all(row.actors for row in rows) else (_NOTE,)
    return Listing(tuple(sorted(videos, key=lambda video: video.video_id)), notes)


def _read_rows(root: str, metadata: str) -> list[_Row]:
    path = files.join(root, metadata)
    folder = posixpath.dirname(metadata) + "/" if "/" in metadata else ""
    place = percent_encode(metadata)
    if metadata.endswith(".csv"):
        columns, rows = read_csv(path, _CURE)
        if not {"filename", "label"}.issubset(columns):
            raise UsageError(f"{path}: its columns must be filename,label; {_CURE}")
        split = "eval" if posixpath.basename(files.parent(path)) == "validation" else "test"
        return [
            _check(f"{place} line {row.line}", folder, cells["filename"], cells, split)
            for row in rows
            for cells in [row.by_column(columns)]
        ]
    value = read_json(path, _CURE)
    if not isinstance(value, dict):
        raise UsageError(f"{path}: not an object with a clip for each key; {_CURE}")
    return [
        _check(f"{place} row {number}", folder, name, fields, "")
        for number, (name, fields) in enumerate(value.items(), start=1)
    ]


def _check(place: str, folder: str, name: str, fields: object, split: str) -> _Row:
    """Makes a row; `split` is the one that its file's place implies."""
    problem = ""
    row = _Row(place, folder, name, fields if isinstance(fields, dict) else {}, split, "")
    if "is_fake" in row.fields:
        split = "test"
    elif "set" in row.fields:
        split = str(row.fields["set"])
    if not is_inside(name):
        problem = f"its path leads out of the dataset: {name!r}"
    elif row.label == UNKNOWN_LABEL:
        problem = f"its label is neither REAL nor FAKE: {row.written_label!r}"
    elif split not in ("", *contract.SPLITS):
        problem = f"its set is neither train nor test: {split!r}"
    else:
        name = posixpath.normpath(name)
    return dataclasses.replace(row, name=name, split=split, problem=problem)


def _source_video(
    root: str,
    row: _Row,
    relative: str,
    clips: Collection[str],
    held_out: Collection[str],
    reals: Collection[str],
) -> SourceVideo:
    if row.problem:
        return refused_clip(DATASET, root, relative, row.problem, row.label)
    original = locate(clips, row.folder, row.original) if row.original else ""
    source = clip_id(DATASET, posixpath.basename(row.original or row.name))
    is_held_out = row.split in held_out
    forbidden = {"test", *held_out} if row.split else held_out
    return SourceVideo(
        video_id=clip_id(DATASET, relative),
        path=files.join(root, relative),
        label=row.label,
        dataset=DATASET,
        method=contract.REAL_METHOD if row.is_real else _method(row.name),
        compression="",
        sources=row.actors or (source,),
        split=row.split if is_held_out else None,
        original=clip_id(DATASET, original) if original in reals else "",
        identities=row.actors,
        splits_allowed=contract.SPLITS
        if is_held_out
        else tuple(split for split in contract.SPLITS if split not in forbidden),
    )


def _method(name: str) -> str:
    """The preview's folder, which is named after the method; the full dataset names none."""
    return percent_encode(name.split("/")[0]) if "/" in name else UNKNOWN_METHOD
