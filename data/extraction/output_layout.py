"""What an extraction leaves: shards, `ledger.csv` and `dataset.json`, which marks it whole."""

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from data import contract, ledger
from data.ledger import LedgerRow
from data.utils import files
from data.utils.errors import UsageError

WORK_FOLDER = ".work"
"""Folder of the output in which a job keeps its finished results until all are done."""

DESCRIPTION_FILE = "dataset.json"
_NEW_DESCRIPTION = "new.json"

FACE_VIDEOS_FOLDER = "face_videos"
"""Folder that holds each track as a small MP4, where `face_videos` is set."""

_SHARD_NAME = re.compile(rf"({'|'.join(contract.SPLITS)})-\d{{5}}-of-\d{{5}}")


@dataclasses.dataclass(frozen=True)
class Description:
    """Content of `dataset.json`.

    Attributes:
        fingerprint: of inputs, options and code.
        crop_fingerprint: of what decides a video's crops; `crops` in the file.
        options: that the job ran with.
        slice_columns: further columns that the Examples carry, without the `slice/` prefix.
        splits: counts of used videos, fakes and usable faces by split.
        notes: what the datasets do not tell, one sentence each.
    """

    fingerprint: str
    crop_fingerprint: str
    options: Mapping[str, Any]
    slice_columns: Sequence[str]
    splits: Mapping[str, Mapping[str, int]]
    notes: Sequence[str] = ()

    def to_json(self) -> bytes:
        """Content of the file."""
        content = dataclasses.asdict(self)
        return json.dumps(content | {"crops": content.pop("crop_fingerprint")}, indent=2).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "Description":
        """What `to_json` wrote.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: it did not write this.
        """
        values = json.loads(content)
        return cls(crop_fingerprint=values.pop("crops"), **values)


def read_description(folder: str) -> Description | None:
    """The description of a whole extraction; None if the folder holds none.

    Raises:
        UsageError: there is a `dataset.json` that no extraction of this version wrote.
    """
    path = files.join(folder, DESCRIPTION_FILE)
    if not files.exists(path):
        return None
    try:
        return Description.from_json(files.read_bytes(path))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"{path}: not written by this version of unmask ({error}); extract into a new folder"
        ) from error


def read_ledger(folder: str) -> list[LedgerRow]:
    """The ledger of an extraction.

    Raises:
        UsageError: there is none, or it is not a ledger.
    """
    path = files.join(folder, ledger.FILE_NAME)
    if not files.exists(path):
        raise UsageError(f"{path}: there is no such ledger; `unmask extract` writes one")
    try:
        return ledger.from_csv(files.read_bytes(path).decode(), path)
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not a ledger: {error}") from error


def has_all_shards(folder: str) -> bool:
    """Whether all the shards that its ledger names are there."""
    if not files.exists(files.join(folder, ledger.FILE_NAME)):
        return False
    named = {row.shard for row in read_ledger(folder) if row.shard}
    return named <= set(find_shards(folder))


def find_shards(folder: str) -> list[str]:
    """Names of the shards in a folder, sorted; other files are not ours."""
    return [name for name in files.find(folder, depth=1) if _SHARD_NAME.fullmatch(name)]


def find_work(folder: str) -> set[str]:
    """Names of the jobs that have not ended, by their crop fingerprints."""
    return {name.split("/")[0] for name in files.find(files.join(folder, WORK_FOLDER), depth=2)}


def count_by_split(rows: Sequence[LedgerRow]) -> dict[str, dict[str, int]]:
    """Counts used videos, fakes and usable faces, as `Description.splits` has them."""
    used = {split: [r for r in rows if r.used and r.split == split] for split in contract.SPLITS}
    return {
        split: {
            "videos": len(videos),
            "fakes": sum(row.label == contract.Label.FAKE for row in videos),
            "faces": sum(row.faces for row in videos),
        }
        for split, videos in used.items()
    }


def publish(folder: str, work: str, rows: Sequence[LedgerRow], description: Description) -> None:
    """Puts the result of a job in place of an earlier one, and marks the output as whole.

    Args:
        folder: the output.
        work: where the finished job left its shards, its ledger and its face videos.
        rows: of the ledger.
        description: of the result.
    """
    if files.exists(files.join(folder, DESCRIPTION_FILE)):
        # Kept until the end: it says how the splits in the ledger were drawn.
        files.move(files.join(folder, DESCRIPTION_FILE), files.join(work, DESCRIPTION_FILE))
    files.delete(*(files.join(folder, name) for name in find_shards(folder)))
    files.delete(files.join(folder, FACE_VIDEOS_FOLDER))
    videos = files.find(files.join(work, FACE_VIDEOS_FOLDER), depth=1)
    files.write(files.join(work, _NEW_DESCRIPTION), description.to_json())
    for name in (
        *sorted({row.shard for row in rows if row.shard}),
        *(f"{FACE_VIDEOS_FOLDER}/{name}" for name in videos),
        ledger.FILE_NAME,
    ):
        files.move(files.join(work, name), files.join(folder, name))
    files.move(files.join(work, _NEW_DESCRIPTION), files.join(folder, DESCRIPTION_FILE))
