"""What an extraction leaves: shards, `ledger.csv` and `dataset.json`, which marks it whole."""

import json
import os
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from data import contract, ledger
from data.ledger import LedgerRow

DESCRIPTION = "dataset.json"
_SHARD_NAME = re.compile(rf"({'|'.join(contract.SPLITS)})-\d{{5}}-of-\d{{5}}")


def is_complete(folder: pathlib.Path, fingerprint: str) -> bool:
    """Whether `folder` holds the whole result of an extraction with this fingerprint."""
    if not (folder / DESCRIPTION).is_file() or not (folder / ledger.FILE_NAME).is_file():
        return False
    named = {row.shard for row in ledger.read(folder / ledger.FILE_NAME) if row.shard}
    if not named <= {path.name for path in find_shards(folder)}:
        return False
    return bool(json.loads((folder / DESCRIPTION).read_text())["fingerprint"] == fingerprint)


def find_shards(folder: pathlib.Path) -> list[pathlib.Path]:
    """The shards in a folder; other files are not ours."""
    return [path for path in folder.iterdir() if _SHARD_NAME.fullmatch(path.name)]


def commit(
    folder: pathlib.Path,
    work: pathlib.Path,
    *,
    fingerprint: str,
    options: Mapping[str, Any],
    slice_columns: Sequence[str],
) -> list[LedgerRow]:
    """Moves shards and ledger into place, drops those of earlier jobs, and marks it whole.

    Args:
        folder: the output.
        work: where the finished job left its shards and ledger.
        fingerprint: of inputs, options and code.
        options: that the job ran with.
        slice_columns: further columns that the Examples carry, without the `slice/` prefix.

    Returns:
        The ledger.
    """
    rows = ledger.read(work / ledger.FILE_NAME)
    for stale in find_shards(folder):
        stale.unlink()
    for name in sorted({row.shard for row in rows if row.shard}):
        os.replace(work / name, folder / name)
    os.replace(work / ledger.FILE_NAME, folder / ledger.FILE_NAME)
    description = {
        "fingerprint": fingerprint,
        "options": options,
        "slice_columns": slice_columns,
        "splits": {
            split: {
                "videos": len(used := [row for row in rows if row.used and row.split == split]),
                "fakes": sum(row.label == contract.Label.FAKE for row in used),
                "faces": sum(row.faces for row in used),
            }
            for split in contract.SPLITS
        },
    }
    write_aside(str(folder / DESCRIPTION), json.dumps(description, indent=2).encode())
    return rows


def write_aside(path: str, content: bytes) -> None:
    """Writes a file that appears whole or not at all."""
    with open(path + ".partial", "wb") as file:
        file.write(content)
    os.replace(path + ".partial", path)
