"""Which video goes to which shard, and the writing of the shards."""

import collections
import dataclasses
from collections.abc import Iterator

import apache_beam as beam

from data import contract, example_encoding, ledger
from data.contract import Annotation
from data.extraction import job_progress
from data.extraction.result_store import ResultStore
from data.extraction.step import Extracted
from data.faces import track_videos
from data.ledger import LedgerRow, Status
from data.utils import files, tfrecord

VIDEOS_PER_SHARD = 128
"""About 64 MB a shard at 32 crops of 16 KB a video."""


@dataclasses.dataclass(frozen=True)
class Shard:
    """What one shard holds.

    Attributes:
        name: such as `train-00000-of-00004`.
        videos: for each, in the order of `video_id`, the key of its result and what its Example
            says besides.
    """

    name: str
    videos: tuple[tuple[str, Annotation], ...]


def assign(extracted: list[Extracted], work: str) -> Iterator[Shard]:
    """Writes the ledger to the job's folder and yields the content of each shard.

    From here on, Beam's counters in the namespace `extraction` and the job's progress are the
    rows of the ledger by status.

    Args:
        extracted: every input.
        work: the job's folder.

    Yields:
        The shards of all splits.
    """
    rows: list[LedgerRow] = []
    used: dict[str, list[tuple[int, str, Annotation]]] = {split: [] for split in contract.SPLITS}
    for video in resolve_copies(extracted):
        if video.row.used and video.annotation is not None:
            used[video.row.split].append((len(rows), video.key, video.annotation))
        rows.append(video.row)
    counts = collections.Counter(row.status for row in rows)
    for status, count in counts.items():
        beam.metrics.Metrics.counter("extraction", status.value).inc(count)
    job_progress.finish(work, counts)
    shards = []
    for split, entries in used.items():
        count = -(-len(entries) // VIDEOS_PER_SHARD)
        for number in range(count):
            name = f"{split}-{number:05d}-of-{count:05d}"
            chosen = entries[number::count]
            shards.append(Shard(name, tuple((key, annotation) for _, key, annotation in chosen)))
            for index, _, _ in chosen:
                rows[index] = dataclasses.replace(rows[index], shard=name)
    files.write(files.join(work, ledger.FILE_NAME), ledger.to_csv(rows).encode())
    yield from shards


def write(shard: Shard, work: str, videos_folder: str | None) -> None:
    """Writes the Examples of one shard into a TFRecord that appears whole or not at all.

    Args:
        shard: its name and content.
        work: the job's folder; receives the shard.
        videos_folder: receives a small MP4 of each track too; None for no such videos.
    """
    results = ResultStore(work)

    def records() -> Iterator[bytes]:
        for key, annotation in shard.videos:
            example = results.read_content(key).annotated(annotation)
            if videos_folder is not None:
                track_videos.write(example, videos_folder)
            yield example_encoding.encode(example)

    with files.create(files.join(work, shard.name)) as file:
        tfrecord.write(file, records())


def resolve_copies(extracted: list[Extracted]) -> list[Extracted]:
    """Decides which of several files with the same content is used.

    Of copies in one split one is used: one that an earlier result holds, else the first by
    `video_id`. A copy in another split is refused, and so are the videos of its split that share
    a source with it. Copies with different labels are all left out, since it is not known which
    label is right.

    Args:
        extracted: every input.

    Returns:
        The same, sorted by `video_id`, with a new status and reason where a copy is left out.
    """
    ordered = sorted(extracted, key=lambda video: video.row.video_id)
    first: dict[str, LedgerRow] = {}
    labels: dict[str, set[int]] = {}
    refused: dict[tuple[str, str], str] = {}  # by split and source
    for video in sorted(ordered, key=lambda video: (not video.is_kept, not video.row.used)):
        row = video.row
        if not row.sha256 or not row.split:
            continue
        twin = first.setdefault(row.sha256, row)
        labels.setdefault(row.sha256, set()).add(row.label)
        if twin.split != row.split:
            reason = f"{row.video_id} is the same file as {twin.video_id}, which is in {twin.split}"
            for source in video.sources:
                refused.setdefault((row.split, source), reason)
    resolved = []
    for video in ordered:
        row = video.row
        reasons = [refused.get((row.split, source), "") for source in video.sources]
        if any(reasons):
            row = _leave_out(row, Status.REFUSED_CROSS_SPLIT, next(filter(None, reasons)))
        elif row.used and len(labels[row.sha256]) > 1:
            row = _leave_out(row, Status.DUPLICATE, "the same file stands under both labels")
        elif row.used and first[row.sha256] is not video.row:
            twin = first[row.sha256]
            row = _leave_out(row, Status.DUPLICATE, f"the same file as {twin.video_id}")
        resolved.append(dataclasses.replace(video, row=row))
    return resolved


def _leave_out(row: LedgerRow, status: Status, reason: str) -> LedgerRow:
    return dataclasses.replace(row, status=status, used=False, reason=reason)
