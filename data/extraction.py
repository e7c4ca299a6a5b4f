"""The extraction job: from videos to sharded TFRecords of Examples and a ledger.

An Apache Beam pipeline. Each video's Example is committed alone, as a file in the output's
`.work` folder (written aside, then renamed), under a key made of what decides its content; what
Beam moves between its steps is the ledger rows, never images. When every video has its row, the
shards are assembled from these files, and the ledger and `dataset.json` are written last: a
folder with `dataset.json` is whole. A job that was interrupted goes on where it stopped.
"""

import dataclasses
import errno
import hashlib
import json
import logging
import os
import pathlib
import shutil
import time
from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from data import contract, dataset_folder, ledger, shards, splits
from data.code_hash import code_hash
from data.datasets.base import SourceVideo
from data.detectors import registry
from data.detectors.base import FaceDetector
from data.faces import FaceOptions, VideoFaces, extract_faces
from data.ledger import LedgerRow, Status
from data.shards import Extracted

_WORK = ".work"
_CODE = (
    "data.contract",
    "data.cropping",
    "data.dataset_folder",
    "data.detectors",
    "data.extraction",
    "data.faces",
    "data.shards",
    "data.splits",
    "data.tracking",
    "data.video",
)
"""What decides the Examples' bytes besides the options."""


@dataclasses.dataclass(frozen=True)
class ExtractionOptions:
    """What decides the content of the Examples.

    Attributes:
        detector: one of `data.detectors.registry.NAMES`.
        faces: how faces are taken from a video.
        fractions: shares of train, eval and test where no official split exists; sum 1.
        salt: changes which groups go to which split.
    """

    detector: str = "mtcnn"
    faces: FaceOptions = dataclasses.field(default_factory=FaceOptions)
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15)
    salt: str = "unmask"


@dataclasses.dataclass(frozen=True)
class _Job:
    """One video to extract, with all that its Example says besides its faces."""

    video: SourceVideo
    split: str
    source_group: str
    slice_methods: tuple[str, ...]
    slices: dict[str, str]


def extract(
    videos: Sequence[SourceVideo],
    output: pathlib.Path,
    options: ExtractionOptions,
    *,
    workers: int = 1,
) -> list[LedgerRow]:
    """Extracts the faces of videos into sharded TFRecords.

    Writes `<split>-NNNNN-of-NNNNN`, `ledger.csv` and `dataset.json` to `output`. Does nothing
    if `output` already holds the result of the same files and options.

    Args:
        videos: the inputs; their `video_id`s differ.
        output: folder to write to; made if absent.
        options: what decides the content.
        workers: processes; 1 runs in this one.

    Returns:
        The ledger, one row an input, sorted by `video_id`.
    """
    fingerprint = _fingerprint(videos, options)
    if dataset_folder.is_complete(output, fingerprint):
        return ledger.read(output / ledger.FILE_NAME)
    work = work_folder(output, options)
    work.mkdir(parents=True, exist_ok=True)
    (output / dataset_folder.DESCRIPTION).unlink(missing_ok=True)
    assignments = splits.assign(videos, fractions=options.fractions, salt=options.salt)
    jobs, rows = _plan(videos, assignments)
    with beam.Pipeline(options=_beam_options(workers)) as pipeline:
        extracted = (
            pipeline
            | "Videos" >> beam.Create(jobs)
            | "Spread" >> beam.Reshuffle()
            | "ExtractFaces" >> beam.ParDo(ExtractVideo(options, str(work)))
        )
        refused = pipeline | "Refused" >> beam.Create(rows)
        assigned = (
            (extracted, refused)
            | "AllRows" >> beam.Flatten()
            | "OneLedger" >> beam.combiners.ToList()
            | "AssignShards" >> beam.FlatMap(shards.assign, str(work))
        )
        _ = (
            assigned
            | "SpreadShards" >> beam.Reshuffle()
            | "WriteShards" >> beam.Map(shards.write, str(work))
        )
    columns = {column for job in jobs for column in job.slices}
    rows_written = dataset_folder.commit(
        output,
        work,
        fingerprint=fingerprint,
        options=dataclasses.asdict(options),
        slice_columns=sorted(columns),
    )
    shutil.rmtree(output / _WORK)
    return rows_written


def work_folder(output: pathlib.Path, options: ExtractionOptions) -> pathlib.Path:
    """Where a job with these options commits finished videos until it is done."""
    return output / _WORK / _hash(dataclasses.asdict(options), code_hash(*_CODE))[:16]


def count_finished(work: pathlib.Path) -> int:
    """Videos of a running job that have their ledger row; for a progress display."""
    try:
        with os.scandir(work) as entries:
            return sum(entry.name.endswith(".json") for entry in entries)
    except FileNotFoundError:
        return 0


class ExtractVideo(beam.DoFn):
    """Extracts one video, commits its Example and emits its ledger row.

    Args:
        options: what decides the content.
        work: folder that the Examples and rows are committed to.
    """

    def __init__(self, options: ExtractionOptions, work: str) -> None:
        self._options = options
        self._work = work
        self._detector: FaceDetector | None = None

    def setup(self) -> None:
        """Loads the detector once a worker: TensorFlow does not survive a fork."""
        import cv2

        # Workers and the decoding thread already fill the cores.
        cv2.setNumThreads(1)
        self._detector = registry.create(self._options.detector)

    def process(self, job: _Job) -> Iterator[Extracted]:
        """Yields what became of one video, in an earlier run if that finished it."""
        started = time.monotonic()
        row = LedgerRow(
            video_id=job.video.video_id,
            path=job.video.path,
            split=job.split,
            label=int(job.video.label),
            status=Status.CRASHED,
        )
        try:
            sha256 = _sha256(job.video.path)
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            status = Status.MISSING if missing else Status.UNREADABLE
            reason = "there is no such file" if missing else str(error.strerror)
            row = dataclasses.replace(row, status=status, reason=reason)
            yield Extracted("", job.source_group, row)
            return
        key = _hash(dataclasses.asdict(job), sha256)
        base = os.path.join(self._work, key)
        try:
            with open(base + ".json", encoding="utf-8") as file:
                finished = ledger.from_json(file.read())
            if finished.status is not Status.CRASHED:
                yield Extracted(key, job.source_group, finished)
                return
        except FileNotFoundError:
            pass
        assert self._detector is not None
        try:
            found = extract_faces(job.video.path, self._detector, self._options.faces)
        except Exception as error:  # one video must never end the other 999
            logging.exception("%s", job.video.video_id)
            found = VideoFaces(Status.CRASHED, f"{type(error).__name__}: {error}")
        if found.faces:
            dataset_folder.write_aside(
                base + ".example", contract.encode(_example(job, sha256, found))
            )
        row = dataclasses.replace(
            row,
            sha256=sha256,
            status=found.status,
            used=bool(found.faces),
            reason=found.reason,
            frames_declared=found.frames_declared,
            frames_decoded=found.frames_decoded,
            frames_damaged=found.frames_damaged,
            faces=len(found.faces),
            tracks_kept=found.tracks_kept,
            tracks_left_out=found.tracks_left_out,
            seconds=round(time.monotonic() - started, 3),
        )
        dataset_folder.write_aside(base + ".json", ledger.to_json(row).encode())
        beam.metrics.Metrics.counter("extraction", found.status.value).inc()
        yield Extracted(key, job.source_group, row)


def _plan(
    videos: Sequence[SourceVideo], assignments: dict[str, splits.Assignment]
) -> tuple[list[_Job], list[Extracted]]:
    """Divides the inputs into jobs and the rows of those that the splits refuse."""
    methods: dict[str, set[str]] = {}
    columns = sorted({column for video in videos for column in video.slices})
    for video in videos:
        if video.label == contract.Label.FAKE:
            methods.setdefault(video.dataset, set()).add(video.method)
    jobs, rows = [], []
    for video in videos:
        assignment = assignments[video.video_id]
        if assignment.split is None:
            refusal = LedgerRow(
                video_id=video.video_id,
                path=video.path,
                split="",
                label=int(video.label),
                status=Status.REFUSED_CROSS_SPLIT,
                reason=assignment.refused,
            )
            rows.append(Extracted("", assignment.source_group, refusal))
            continue
        own = (video.method,)
        shown_in = tuple(sorted(methods.get(video.dataset, own)))
        jobs.append(
            _Job(
                video=video,
                split=assignment.split,
                source_group=assignment.source_group,
                slice_methods=own if video.label == contract.Label.FAKE else shown_in,
                slices={column: video.slices.get(column, "unknown") for column in columns},
            )
        )
    return jobs, rows


def _example(job: _Job, sha256: str, found: VideoFaces) -> contract.VideoExample:
    return contract.VideoExample(
        video_id=job.video.video_id,
        sha256=sha256,
        width=found.width,
        height=found.height,
        frame_count=found.frames_decoded,
        fps=found.fps,
        duration_s=found.duration_s,
        bit_rate=found.bit_rate,
        label=int(job.video.label),
        dataset=job.video.dataset,
        method=job.video.method,
        compression=job.video.compression,
        slice_methods=job.slice_methods,
        source_group=job.source_group,
        faces=found.faces,
        slices=job.slices,
    )


def _fingerprint(videos: Sequence[SourceVideo], options: ExtractionOptions) -> str:
    """Changes if a file, what is said of it, an option or our code does."""
    described = []
    for video in sorted(videos, key=lambda video: video.video_id):
        try:
            found = os.stat(video.path)
            readable = os.access(video.path, os.R_OK)
            content: tuple[int, ...] = (found.st_size, found.st_mtime_ns, readable)
        except OSError:
            content = ()
        described.append((dataclasses.asdict(video), content))
    return _hash(described, dataclasses.asdict(options), code_hash(*_CODE))


def _hash(*values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _sha256(path: str) -> str:
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(errno.EINVAL, "not a file")  # reading a pipe would wait for ever
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _beam_options(workers: int) -> PipelineOptions:
    mode = "in_memory" if workers == 1 else "multi_processing"
    # The empty list keeps Beam from reading our own command line.
    return PipelineOptions([], direct_running_mode=mode, direct_num_workers=workers)
