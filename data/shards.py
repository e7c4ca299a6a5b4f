"""Which video goes to which shard, and the writing of the shards."""

import dataclasses
import os
from collections.abc import Iterator

from data import contract, ledger
from data.ledger import LedgerRow, Status

VIDEOS_PER_SHARD = 128
"""About 64 MB a shard at 32 crops of 16 KB a video."""


def assign(keyed_rows: list[tuple[str, LedgerRow]], work: str) -> Iterator[tuple[str, list[str]]]:
    """Writes the ledger aside and yields each shard's name with the keys of its Examples.

    Of files with the same content the first by `video_id` is used.

    Args:
        keyed_rows: the job's key and row of every input.
        work: folder for `ledger.csv`.

    Yields:
        Name, such as `train-00000-of-00004`, and keys in the order of `video_id`.
    """
    first_by_content: dict[str, str] = {}
    rows: list[LedgerRow] = []
    keys_by_split: dict[str, list[tuple[int, str]]] = {split: [] for split in contract.SPLITS}
    for key, row in sorted(keyed_rows, key=lambda keyed: keyed[1].video_id):
        if row.used:
            twin = first_by_content.setdefault(row.sha256, row.video_id)
            if twin == row.video_id:
                keys_by_split[row.split].append((len(rows), key))
            else:
                row = dataclasses.replace(
                    row, status=Status.DUPLICATE, used=False, reason=f"the same file as {twin}"
                )
        rows.append(row)
    shards: list[tuple[str, list[str]]] = []
    for split, entries in keys_by_split.items():
        count = -(-len(entries) // VIDEOS_PER_SHARD)
        for shard in range(count):
            name = f"{split}-{shard:05d}-of-{count:05d}"
            chosen = entries[shard::count]
            shards.append((name, [key for _, key in chosen]))
            for index, _ in chosen:
                rows[index] = dataclasses.replace(rows[index], shard=name)
    ledger.write(os.path.join(work, ledger.FILE_NAME), rows)
    yield from shards


def write(shard: tuple[str, list[str]], work: str) -> None:
    """Copies the Examples of one shard into a TFRecord, written aside, then renamed.

    Args:
        shard: its name and the keys of its Examples.
        work: folder of the files `<key>.example`; receives the shard.
    """
    import tensorflow as tf

    name, keys = shard
    path = os.path.join(work, name)
    with tf.io.TFRecordWriter(path + ".partial") as writer:
        for key in keys:
            with open(os.path.join(work, key + ".example"), "rb") as file:
                writer.write(file.read())
    os.replace(path + ".partial", path)
