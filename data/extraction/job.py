"""The extraction job: from videos to sharded TFRecords of Examples and a ledger.

An Apache Beam pipeline. The result of each video is stored in a file of its own in the output's
`.work` folder, under a key made of the video's content and of what decides its crops. Beam moves
only keys and ledger rows between its steps, never images. When every video has its row, the shards
are written from these files, and the ledger and `dataset.json` last: a folder with `dataset.json`
is whole. A job that was interrupted continues where it stopped. A job with further videos takes the
results of the earlier ones from the shards that are there.
"""

import collections
import contextlib
import json
import logging
import re
from collections.abc import Iterator, Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from data import example_encoding, ledger
from data.datasets import Listing
from data.extraction import job_progress, output_layout, shards
from data.extraction.options import ExtractionOptions
from data.extraction.output_layout import WORK_FOLDER
from data.extraction.plan import Plan, divide, plan_extraction
from data.extraction.result_store import FINAL, ResultStore, result_key
from data.extraction.step import Extracted, ExtractVideo, VideoTask
from data.extraction.worker_deaths import end_with_workers
from data.ledger import LedgerRow, Status
from data.utils import files, tfrecord
from data.utils.errors import OutputError, UsageError
from data.utils.folder_lock import lock_folder

_TASKS = "videos.jsonl"
_REFUSED = "refused.csv"
_EARLIER = "earlier"
_OUR_ERROR = re.compile(r"(?:Output|Usage)Error: (.*?)( \[while running|$)", re.MULTILINE)
_DECIDED_BY_SPLITS = frozenset(
    (Status.DUPLICATE, Status.REFUSED_CROSS_SPLIT, Status.REFUSED_BALANCE, Status.REFUSED_INPUT)
)
"""Statuses that do not depend on what is in a file."""


def run(plan: Plan, beam_options: PipelineOptions | None = None) -> list[LedgerRow]:
    """Extracts the faces of the planned videos into sharded TFRecords.

    Writes `<split>-NNNNN-of-NNNNN`, `ledger.csv` and `dataset.json`, and with `face_videos` a
    folder of that name. Does nothing if the output already holds the result. A job that was
    killed at any moment continues where it stopped; an earlier result stays until it is replaced.

    Args:
        plan: what to do.
        beam_options: the runner and its options; this process alone if None.

    Returns:
        The ledger, one row an input, sorted by `video_id`.

    Raises:
        OutputError: the output cannot be written, or another job writes to it.
        UsageError: the detector cannot be made.
    """
    if plan.is_done:
        with _sole_job(plan.output):
            # Left by a job that was killed at its very end.
            files.delete(files.join(plan.output, WORK_FOLDER))
            return output_layout.read_ledger(plan.output)
    options = beam_options or PipelineOptions([], direct_running_mode="in_memory")
    try:
        with _sole_job(plan.output), _quiet_beam(), end_with_workers():
            _restore(plan, options)
            rows = _extract(plan, options)
            columns = {column for video in plan.videos for column in video.slices}
            output_layout.publish(
                plan.output,
                plan.work,
                rows,
                output_layout.Description(
                    fingerprint=plan.fingerprint,
                    crop_fingerprint=plan.crop_fingerprint,
                    options=plan.options.model_dump(),
                    slice_columns=sorted(columns),
                    splits=output_layout.count_by_split(rows),
                    notes=plan.notes,
                ),
            )
            files.delete(files.join(plan.output, WORK_FOLDER))
    except UsageError:
        raise
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"{plan.output}: cannot be written ({reason})") from error
    except Exception as error:
        # Beam raises a RuntimeError that holds the text of a worker's error.
        message = _OUR_ERROR.search(str(error))
        if message is None:
            raise
        raise OutputError(message[1]) from error
    return rows


def extract(
    listings: Sequence[Listing],
    output: str,
    options: ExtractionOptions,
    beam_options: PipelineOptions | None = None,
) -> list[LedgerRow]:
    """Plans and runs a job; see `data.extraction.plan.plan_extraction` and `run`."""
    return run(plan_extraction(listings, output, options), beam_options)


@contextlib.contextmanager
def _sole_job(output: str) -> Iterator[None]:
    """Keeps a second job out of a local output."""
    if not files.is_local(output):
        yield
        return
    with lock_folder(output, f"another extraction writes to it; see `unmask status {output}`"):
        yield


@contextlib.contextmanager
def _quiet_beam() -> Iterator[None]:
    """Keeps Beam from logging every error that it also raises."""
    logger = logging.getLogger("apache_beam")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _restore(plan: Plan, options: PipelineOptions) -> None:
    """Puts the results of a previous job, from the output's shards and ledger, into the store."""
    results = ResultStore(plan.work)
    sha256 = {row.video_id: row.sha256 for row in plan.reused}
    wanted = {video.video_id for video in plan.videos}
    by_shard: dict[str, list[tuple[str, LedgerRow]]] = {}
    for row in plan.reused:
        measured = row.sha256 and row.status in FINAL - _DECIDED_BY_SPLITS
        if not measured or row.video_id not in wanted:
            continue
        if row.original and row.original not in sha256:
            continue
        key = result_key(row.sha256, sha256[row.original] if row.original else "")
        if results.read_row(key) is None:
            if row.used:
                by_shard.setdefault(row.shard, []).append((key, row))
            else:
                results.write(key, row, None)
    if not by_shard:
        return
    for shard, videos in by_shard.items():
        entries = [[key, ledger.to_json(row)] for key, row in videos]
        files.write(files.join(plan.work, _EARLIER, shard), json.dumps(entries).encode())
    with beam.Pipeline(options=options) as pipeline:
        _ = (
            pipeline
            | "EarlierShards" >> beam.Create(sorted(by_shard))
            | "SpreadEarlierShards" >> beam.Reshuffle()
            | "Restore" >> beam.Map(_restore_shard, plan.output, plan.work)
        )


def _restore_shard(name: str, output: str, work: str) -> None:
    """Puts the Examples of one shard of a previous job into the store.

    Args:
        name: of the shard.
        output: the folder that it lies in.
        work: the job's folder, which holds the list of the videos that are wanted.
    """
    wanted: dict[str, tuple[str, LedgerRow]] = {}
    for key, text in json.loads(files.read_bytes(files.join(work, _EARLIER, name))):
        row = ledger.from_json(text)
        wanted[row.video_id] = key, row
    # Where a shard is damaged, the rest of its videos are extracted again.
    with files.open_to_read(files.join(output, name)) as file, contextlib.suppress(ValueError):
        for record in tfrecord.read(file):
            example = example_encoding.parse(record)
            video_id = example.annotation.video_id
            if video_id in wanted:
                ResultStore(work).write(*wanted[video_id], example)


def _extract(plan: Plan, options: PipelineOptions) -> list[LedgerRow]:
    tasks, refused = divide(plan)
    face_videos = files.join(plan.work, output_layout.FACE_VIDEOS_FOLDER)
    files.delete(face_videos)  # those of an interrupted job may be of other videos
    counts = collections.Counter(row.status for row in refused)
    job_progress.begin(plan.work, len(plan.videos), counts)
    # In files: what the graph itself holds is sent to the runner, which takes a few MB at most.
    videos_file = files.join(plan.work, _TASKS)
    files.write(videos_file, "\n".join(video.to_json() for video in tasks).encode())
    refused_file = files.join(plan.work, _REFUSED)
    files.write(refused_file, ledger.to_csv(refused).encode())
    step = ExtractVideo(
        plan.work, plan.options.detector, plan.options.faces, plan.options.time_limit_s
    )
    videos_folder = face_videos if plan.options.face_videos else None
    with beam.Pipeline(options=options) as pipeline:
        videos = (
            pipeline
            | "List" >> beam.Create([videos_file])
            | "ReadList" >> beam.FlatMap(_read_tasks)
            | "Spread" >> beam.Reshuffle()
        )
        own = videos | "OwnBoxes" >> beam.Filter(lambda video: not video.original)
        extracted = own | "ExtractFaces" >> beam.ParDo(step)
        parts = [extracted]
        if any(task.original for task in tasks):
            # Fakes wait for all originals, whose results hold the boxes.
            keys = (
                extracted
                | "Originals" >> beam.Filter(lambda video: video.row.used)
                | "Keys" >> beam.Map(lambda video: (video.row.video_id, video.key))
            )
            parts.append(
                videos
                | "OriginalsBoxes" >> beam.Filter(lambda video: bool(video.original))
                | "CropFakes" >> beam.ParDo(step, beam.pvalue.AsDict(keys))
            )
        parts.append(
            pipeline
            | "Refused" >> beam.Create([refused_file])
            | "ReadRefused" >> beam.FlatMap(_read_refused)
        )
        _ = (
            parts
            | "AllRows" >> beam.Flatten()
            | "OneLedger" >> beam.combiners.ToList()
            | "AssignShards" >> beam.FlatMap(shards.assign, plan.work)
            | "SpreadShards" >> beam.Reshuffle()
            | "WriteShards" >> beam.Map(shards.write, plan.work, videos_folder)
        )
    return output_layout.read_ledger(plan.work)


def _read_tasks(path: str) -> Iterator[VideoTask]:
    return map(VideoTask.from_json, files.read_bytes(path).decode().splitlines())


def _read_refused(path: str) -> Iterator[Extracted]:
    for row in ledger.from_csv(files.read_bytes(path).decode(), path):
        yield Extracted("", row, None, ())
