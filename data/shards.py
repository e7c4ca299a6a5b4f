"""Which video goes to which shard, and the writing of the shards."""

import dataclasses
import os
from collections.abc import Iterator

from data import contract, ledger
from data.ledger import LedgerRow, Status

VIDEOS_PER_SHARD = 128
"""About 64 MB a shard at 32 crops of 16 KB a video."""


@dataclasses.dataclass(frozen=True)
class Extracted:
    """What the job moves between its steps of one input.

    Attributes:
        key: of its committed Example.
        source_group: that may not be in two splits.
        row: of the ledger.
    """

    key: str
    source_group: str
    row: LedgerRow


def assign(extracted: list[Extracted], work: str) -> Iterator[tuple[str, list[str]]]:
    """Writes the ledger aside and yields each shard's name with the keys of its Examples.

    Args:
        extracted: every input.
        work: folder for `ledger.csv`.

    Yields:
        Name, such as `train-00000-of-00004`, and keys in the order of `video_id`.
    """
    rows: list[LedgerRow] = []
    keys_by_split: dict[str, list[tuple[int, str]]] = {split: [] for split in contract.SPLITS}
    for video in settle_copies(extracted):
        if video.row.used:
            keys_by_split[video.row.split].append((len(rows), video.key))
        rows.append(video.row)
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


def settle_copies(extracted: list[Extracted]) -> list[Extracted]:
    """Uses one of files with the same content, and none that would join two splits.

    Of copies in one split the first by `video_id` is used. A copy in another split ties its
    whole group to the first one's: the group is refused. Copies of different labels are both
    left out, for nobody can tell which one is right.

    Args:
        extracted: every input.

    Returns:
        The same, sorted by `video_id`, with the rows that this decides changed.
    """
    ordered = sorted(extracted, key=lambda video: video.row.video_id)
    first: dict[str, LedgerRow] = {}
    labels: dict[str, set[int]] = {}
    refused: dict[str, str] = {}
    for video in ordered:
        row = video.row
        if not row.sha256 or not row.split:
            continue
        twin = first.setdefault(row.sha256, row)
        labels.setdefault(row.sha256, set()).add(row.label)
        if twin.split != row.split:
            refused.setdefault(
                video.source_group,
                f"{row.video_id} is the same file as {twin.video_id}, which is in {twin.split}",
            )
    settled = []
    for video in ordered:
        row = video.row
        if video.source_group in refused and row.split:
            row = _leave_out(row, Status.REFUSED_CROSS_SPLIT, refused[video.source_group])
        elif row.used and len(labels[row.sha256]) > 1:
            row = _leave_out(row, Status.DUPLICATE, "the same file stands under both labels")
        elif row.used and first[row.sha256] is not video.row:
            twin = first[row.sha256]
            row = _leave_out(row, Status.DUPLICATE, f"the same file as {twin.video_id}")
        settled.append(dataclasses.replace(video, row=row))
    return settled


def _leave_out(row: LedgerRow, status: Status, reason: str) -> LedgerRow:
    return dataclasses.replace(row, status=status, used=False, reason=reason)
