"""What an extraction is about to do: the splits of its videos, and what earlier jobs have done."""

import dataclasses
import hashlib
import importlib.metadata
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from data import contract
from data.contract import Annotation
from data.datasets import Listing, SourceVideo, collect_notes
from data.detectors import detector_fingerprint
from data.extraction import resume
from data.extraction.options import ExtractionOptions
from data.extraction.output_layout import WORK_FOLDER
from data.extraction.step import VideoTask
from data.ledger import LedgerRow
from data.splits import Assignment, assign, leave_out_fakes
from data.utils import files
from data.utils.code_hash import code_hash

_CROPS_LIBRARIES = ("av", "mtcnn", "numpy", "opencv-python-headless", "tensorflow")


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a job is about to do, before any video is opened.

    Attributes:
        listings: the datasets.
        output: folder or URL.
        options: what decides the content.
        assignments: split or refusal of each video.
        fingerprint: of inputs, options and code.
        crop_fingerprint: of what decides the crops.
        is_done: whether the output already holds the whole result, and there is no video that
            should be tried again: one that timed out, crashed, or could not be opened.
        reused: rows of a previous result in the output whose crops are still good.
        kept: ids of the videos that a previous result holds and that keep their split.
        notice: for people, about a previous result; empty if there is nothing to say.
    """

    listings: tuple[Listing, ...]
    output: str
    options: ExtractionOptions
    assignments: Mapping[str, Assignment]
    fingerprint: str
    crop_fingerprint: str
    is_done: bool
    reused: tuple[LedgerRow, ...]
    kept: frozenset[str]
    notice: str

    @property
    def videos(self) -> list[SourceVideo]:
        """All inputs."""
        return [video for listing in self.listings for video in listing.videos]

    @property
    def notes(self) -> tuple[str, ...]:
        """What the datasets do not tell; see `Listing.notes`."""
        return collect_notes(self.listings)

    @property
    def work(self) -> str:
        """Where the job keeps what it has finished until all is done."""
        return files.join(self.output, WORK_FOLDER, self.crop_fingerprint)


def plan_extraction(listings: Sequence[Listing], output: str, options: ExtractionOptions) -> Plan:
    """Decides what a job has to do, from its inputs and from what is in its output.

    Args:
        listings: the datasets; no two videos have the same id.
        output: folder or URL to write to; need not exist.
        options: what decides the content.

    Returns:
        What `data.extraction.job.run` will do.

    Raises:
        UsageError: a new video would join two splits of the previous result, or the output
            was written by something else.
    """
    videos = [video for listing in listings for video in listing.videos]
    crop_fingerprint = _crop_fingerprint(options)
    fingerprint = _fingerprint(videos, options, crop_fingerprint)
    video_ids = {video.video_id for video in videos}
    previous = resume.read_previous(output, video_ids, options.model_dump(), crop_fingerprint)
    return Plan(
        listings=tuple(listings),
        output=output,
        options=options,
        assignments=_assign(videos, options, previous.kept),
        fingerprint=fingerprint,
        crop_fingerprint=crop_fingerprint,
        is_done=previous.is_final and previous.fingerprint == fingerprint,
        reused=previous.rows
        if previous.is_whole and previous.crop_fingerprint == crop_fingerprint
        else (),
        kept=frozenset(previous.kept),
        notice=previous.notice,
    )


def divide(plan: Plan) -> tuple[list[VideoTask], list[LedgerRow]]:
    """Divides the inputs into those to open and the rows of those that are refused."""
    videos = plan.videos
    methods: dict[str, set[str]] = {}
    columns = sorted({column for video in videos for column in video.slices})
    for video in videos:
        if video.label == contract.Label.FAKE and plan.assignments[video.video_id].split:
            methods.setdefault(video.dataset, set()).add(video.method)
    open_ids = {name for name, to in plan.assignments.items() if to.split is not None}
    tasks, refused = [], []
    for video in videos:
        assigned = plan.assignments[video.video_id]
        if assigned.refused is not None:
            refused.append(
                LedgerRow(
                    video_id=video.video_id,
                    path=video.path,
                    label=int(video.label),
                    status=assigned.refused.status,
                    reason=assigned.refused.reason,
                )
            )
            continue
        assert assigned.split is not None
        own = (video.method,)
        shown_in = tuple(sorted(methods.get(video.dataset, own)))
        annotation = Annotation(
            video_id=video.video_id,
            label=int(video.label),
            dataset=video.dataset,
            method=video.method,
            compression=video.compression,
            slice_methods=own if video.label == contract.Label.FAKE else shown_in,
            source_group=assigned.source_group,
            slices={column: video.slices.get(column, "unknown") for column in columns},
        )
        reuses = plan.options.boxes_from == "original" and video.original in open_ids
        original = video.original if reuses else ""
        tasks.append(
            VideoTask(
                annotation=annotation,
                path=video.path,
                split=assigned.split,
                sources=video.sources,
                is_kept=video.video_id in plan.kept,
                original=original,
            )
        )
    # In an order that does not depend on length, so that workers get equal shares.
    return sorted(tasks, key=lambda task: _hash(task.annotation.video_id)), refused


def _assign(
    videos: Sequence[SourceVideo], options: ExtractionOptions, kept: Mapping[str, str]
) -> Mapping[str, Assignment]:
    """The split or refusal of each video, given the splits that previous ones keep."""
    assignments = assign(videos, fractions=options.fractions, salt=options.salt, kept=kept)
    if options.balance:
        assignments = leave_out_fakes(videos, assignments, salt=options.salt)
    return assignments


def _crop_fingerprint(options: ExtractionOptions) -> str:
    """Changes with every option, library and part of our code that decides the crops of a video."""
    return _hash(
        detector_fingerprint(options.detector),
        dataclasses.asdict(options.faces),
        options.boxes_from,
        code_hash("data.faces.worker"),
        [importlib.metadata.version(name) for name in _CROPS_LIBRARIES],
    )[:16]


def _fingerprint(
    videos: Iterable[SourceVideo], options: ExtractionOptions, crop_fingerprint: str
) -> str:
    """Changes with the files, what the datasets say of them, the options and our code."""
    described = []
    for video in sorted(videos, key=lambda video: video.video_id):
        file = files.metadata(video.path)
        version = None if file is None else (file.size_in_bytes, file.last_updated_in_seconds)
        described.append((dataclasses.asdict(video), version))
    return _hash(
        described, options.model_dump(), crop_fingerprint, code_hash("data.extraction.job")
    )


def _hash(*values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
