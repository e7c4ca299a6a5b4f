"""What an extraction is about to do: the splits of its videos, and what earlier jobs have done."""

import dataclasses
import hashlib
import importlib.metadata
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from data import contract
from data.datasets.base import Listing, SourceVideo
from data.detectors import registry
from data.extraction import resume
from data.extraction.output_layout import WORK
from data.extraction.step import Annotation, VideoJob
from data.faces.extract import FaceOptions
from data.ledger import LedgerRow
from data.splits import assignment as splits
from data.splits import balance
from data.splits.assignment import Assignment
from data.utils import files
from data.utils.code_hash import code_hash

_CROPS_LIBRARIES = ("av", "mtcnn", "numpy", "opencv-python-headless", "tensorflow")


@dataclasses.dataclass(frozen=True)
class ExtractionOptions:
    """What decides the content of the output.

    Attributes:
        detector: one of `data.detectors.registry.NAMES`, or a dotted name.
        faces: how faces are taken from a video.
        boxes_from: `original` takes a fake's boxes from the real clip that it was made from,
            where that one is known, found and of the same size.
        fractions: shares of train, eval and test where no official split exists; sum 1.
        salt: changes which groups go to which split, and which fakes `balance` leaves out.
        balance: leaves out fakes until no split of a dataset has more of them than reals.
        face_videos: also writes each track as a small MP4.
        time_limit_s: seconds that a small video may take; see `data.extraction.worker`.
    """

    detector: str = "mtcnn"
    faces: FaceOptions = dataclasses.field(default_factory=FaceOptions)
    boxes_from: Literal["own", "original"] = "own"
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15)
    salt: str = "unmask"
    balance: bool = False
    face_videos: bool = False
    time_limit_s: float = 600.0


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a job is about to do, before any video is opened.

    Attributes:
        listings: the datasets.
        output: folder or URL.
        options: what decides the content.
        assignments: split or refusal of each video.
        fingerprint: of inputs, options and code.
        crops: of what decides the crops.
        is_done: whether the output holds the whole result already, and no video is left that
            another attempt may serve: that timed out, crashed, or could not be opened.
        reused: rows of an earlier result in the output whose crops are still good.
        kept: ids of the videos that an earlier result holds and that keep their split.
        notice: what people should know about an earlier result; empty if there is nothing.
    """

    listings: tuple[Listing, ...]
    output: str
    options: ExtractionOptions
    assignments: Mapping[str, Assignment]
    fingerprint: str
    crops: str
    is_done: bool
    reused: tuple[LedgerRow, ...]
    kept: frozenset[str]
    notice: str

    @property
    def videos(self) -> list[SourceVideo]:
        """All inputs."""
        return [video for listing in self.listings for video in listing.videos]

    @property
    def work(self) -> str:
        """Where the job keeps what it has finished until all is done."""
        return files.join(self.output, WORK, self.crops)


def plan(listings: Sequence[Listing], output: str, options: ExtractionOptions) -> Plan:
    """Decides what a job has to do, by its inputs and by what is in its output.

    Args:
        listings: the datasets; no two videos have the same id.
        output: folder or URL to write to; need not exist.
        options: what decides the content.

    Returns:
        What `data.extraction.job.run` will do.

    Raises:
        UsageError: a new video would join two splits of the earlier result, or the output
            was written by something else.
    """
    videos = [video for listing in listings for video in listing.videos]
    crops = _fingerprint_crops(options)
    fingerprint = _fingerprint(videos, options, crops)
    video_ids = {video.video_id for video in videos}
    earlier = resume.find(output, video_ids, dataclasses.asdict(options), crops)
    return Plan(
        listings=tuple(listings),
        output=output,
        options=options,
        assignments=_assign(videos, options, earlier.kept),
        fingerprint=fingerprint,
        crops=crops,
        is_done=earlier.is_settled and earlier.fingerprint == fingerprint,
        reused=earlier.rows if earlier.is_whole and earlier.crops == crops else (),
        kept=frozenset(earlier.kept),
        notice=earlier.notice,
    )


def divide(job: Plan) -> tuple[list[VideoJob], list[LedgerRow]]:
    """Divides the inputs into those to open and the rows of those that are refused."""
    videos = job.videos
    methods: dict[str, set[str]] = {}
    columns = sorted({column for video in videos for column in video.slices})
    for video in videos:
        if video.label == contract.Label.FAKE and job.assignments[video.video_id].split:
            methods.setdefault(video.dataset, set()).add(video.method)
    open_ids = {name for name, to in job.assignments.items() if to.split is not None}
    jobs, refused = [], []
    for video in videos:
        assignment = job.assignments[video.video_id]
        if assignment.refused is not None:
            refused.append(
                LedgerRow(
                    video_id=video.video_id,
                    path=video.path,
                    label=int(video.label),
                    status=assignment.refused.status,
                    reason=assignment.refused.reason,
                )
            )
            continue
        assert assignment.split is not None
        own = (video.method,)
        shown_in = tuple(sorted(methods.get(video.dataset, own)))
        annotation = Annotation(
            video_id=video.video_id,
            label=int(video.label),
            dataset=video.dataset,
            method=video.method,
            compression=video.compression,
            slice_methods=own if video.label == contract.Label.FAKE else shown_in,
            source_group=assignment.source_group,
            slices={column: video.slices.get(column, "unknown") for column in columns},
        )
        reuses = job.options.boxes_from == "original" and video.original in open_ids
        original = video.original if reuses else ""
        jobs.append(
            VideoJob(
                annotation=annotation,
                path=video.path,
                split=assignment.split,
                sources=video.sources,
                is_kept=video.video_id in job.kept,
                original=original,
            )
        )
    # In an order that has nothing to do with length, workers get alike shares.
    return sorted(jobs, key=lambda entry: _hash(entry.annotation.video_id)), refused


def _assign(
    videos: Sequence[SourceVideo], options: ExtractionOptions, kept: Mapping[str, str]
) -> Mapping[str, Assignment]:
    """The split or refusal of each video, given the splits that earlier ones keep."""
    assignments = splits.assign(videos, fractions=options.fractions, salt=options.salt, kept=kept)
    if options.balance:
        assignments = balance.balance(videos, assignments, salt=options.salt)
    return assignments


def _fingerprint_crops(options: ExtractionOptions) -> str:
    """Changes if an option, our code or a library does that decides the crops of a video."""
    return _hash(
        registry.fingerprint(options.detector),
        dataclasses.asdict(options.faces),
        options.boxes_from,
        code_hash("data.extraction.worker"),
        [importlib.metadata.version(name) for name in _CROPS_LIBRARIES],
    )[:16]


def _fingerprint(videos: Iterable[SourceVideo], options: ExtractionOptions, crops: str) -> str:
    """Changes if a file, what is said of it, an option or our code does."""
    described = []
    for video in sorted(videos, key=lambda video: video.video_id):
        found = files.describe(video.path)
        seen = None if found is None else (found.size_in_bytes, found.last_updated_in_seconds)
        described.append((dataclasses.asdict(video), seen))
    return _hash(described, dataclasses.asdict(options), crops, code_hash("data.extraction.job"))


def _hash(*values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
