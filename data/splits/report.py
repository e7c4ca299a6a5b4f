"""The audit of a run's splits: what is in them, what was dropped, and what is not known."""

import collections
import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence

from data import contract
from data.datasets import Listing, SourceVideo, collect_notes
from data.ledger import Status
from data.splits.assignment import Assignment, check_leakage


@dataclasses.dataclass(frozen=True)
class SplitCount:
    """What one split holds of one dataset, or what is in none.

    Attributes:
        videos: all of them.
        reals: videos labelled real.
        fakes: videos labelled fake.
        groups: source groups, each counted once.
        identities: people that the dataset names, each counted once.
        identified: videos of which the dataset names people.
        with_known_original: fakes of which the dataset names the original.
        without_original: those of them whose original is not among these videos.
    """

    videos: int = 0
    reals: int = 0
    fakes: int = 0
    groups: int = 0
    identities: int = 0
    identified: int = 0
    with_known_original: int = 0
    without_original: int = 0


@dataclasses.dataclass(frozen=True)
class Dropped:
    """Videos that are in no split for one kind of reason.

    Attributes:
        status: the one they get in the ledger.
        reason: its kind: what `Refusal.reason` says before the names.
        video_ids: of them, sorted.
    """

    status: Status
    reason: str
    video_ids: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Overlap:
    """People that are in two splits of one dataset.

    Attributes:
        splits: the two.
        identities: as the dataset names them, sorted.
    """

    splits: tuple[str, str]
    identities: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class DatasetReport:
    """What the splits hold of one dataset.

    Attributes:
        splits: for each of `data.contract.SPLITS`, in their order, also if empty.
        out: the videos that are in none.
        dropped: the same videos by kind of reason, the most first.
        overlaps: pairs of splits that share identities; a pair that shares none is left out.
    """

    splits: Mapping[str, SplitCount]
    out: SplitCount
    dropped: tuple[Dropped, ...]
    overlaps: tuple[Overlap, ...]


@dataclasses.dataclass(frozen=True)
class SplitReport:
    """What the splits of a run hold.

    Attributes:
        datasets: by name, in alphabetical order.
        problems: what the pipeline would stop for, as far as `check_leakage` sees it before the
            files are opened. That train holds no fakes is fine where every model has
            `fakes: self_blended`.
        notes: what the datasets cannot tell; one sentence each.
    """

    datasets: Mapping[str, DatasetReport]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def audit(listings: Sequence[Listing], assignments: Mapping[str, Assignment]) -> SplitReport:
    """Counts what became of the videos.

    Args:
        listings: the datasets of a run.
        assignments: what `data.splits.assignment.assign` returned for their videos, or
            `data.splits.balance.leave_out_fakes` after it.

    Returns:
        The counts by dataset and split, and the listings' notes.
    """
    by_dataset: dict[str, list[SourceVideo]] = collections.defaultdict(list)
    for listing in listings:
        for video in listing.videos:
            by_dataset[video.dataset].append(video)
    rows = (
        (video.video_id, assignment.split, assignment.source_group, video.video_id, video.label)
        for video in itertools.chain(*by_dataset.values())
        if (assignment := assignments[video.video_id]).split is not None
    )
    return SplitReport(
        {name: _report(by_dataset[name], assignments) for name in sorted(by_dataset)},
        tuple(check_leakage(rows)),
        collect_notes(listings),
    )


def _report(videos: Sequence[SourceVideo], assignments: Mapping[str, Assignment]) -> DatasetReport:
    members: dict[str | None, list[SourceVideo]] = collections.defaultdict(list)
    dropped: dict[tuple[Status, str], list[str]] = collections.defaultdict(list)
    for video in videos:
        assignment = assignments[video.video_id]
        members[assignment.split].append(video)
        if assignment.refused is not None:
            kind = assignment.refused.reason.partition(": ")[0]
            dropped[assignment.refused.status, kind].append(video.video_id)
    people = {split: _identities(members[split]) for split in contract.SPLITS}
    return DatasetReport(
        splits={split: _count(members[split], assignments) for split in contract.SPLITS},
        out=_count(members[None], assignments),
        dropped=tuple(
            Dropped(status, kind, tuple(sorted(video_ids)))
            for (status, kind), video_ids in sorted(
                dropped.items(), key=lambda item: (-len(item[1]), item[0])
            )
        ),
        overlaps=tuple(
            Overlap((one, other), tuple(sorted(shared)))
            for one, other in itertools.combinations(contract.SPLITS, 2)
            if (shared := people[one] & people[other])
        ),
    )


def _count(videos: Sequence[SourceVideo], assignments: Mapping[str, Assignment]) -> SplitCount:
    present = {video.video_id for video in videos}
    return SplitCount(
        videos=len(videos),
        reals=sum(video.label == contract.Label.REAL for video in videos),
        fakes=sum(video.label == contract.Label.FAKE for video in videos),
        groups=len({assignments[video.video_id].source_group for video in videos}),
        identities=len(_identities(videos)),
        identified=sum(bool(video.identities) for video in videos),
        with_known_original=sum(bool(video.original) for video in videos),
        without_original=sum(video.original not in present for video in videos if video.original),
    )


def _identities(videos: Iterable[SourceVideo]) -> set[str]:
    return {identity for video in videos for identity in video.identities}
