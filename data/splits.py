"""Splits that do not leak: what was made from the same source stays together.

Videos that share a source form a group, a connected component of the graph of videos and
sources. A group goes to one split whole: to the dataset's official one where it has one, else to
one drawn by a hash of the group's name, so that no list need be kept and new videos move nobody.
"""

import collections
import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence

from data import contract
from data.datasets.base import SourceVideo

_NAMED_IN_MESSAGE = 3
"""Videos that a message names before it counts the rest."""


@dataclasses.dataclass(frozen=True)
class Assignment:
    """Where a video goes.

    Attributes:
        split: one of `data.contract.SPLITS`, or None if the video is refused.
        source_group: name of its group: the smallest key among the group's sources.
        refused: why it is in no split; empty if it is in one.
    """

    split: str | None
    source_group: str
    refused: str = ""


@dataclasses.dataclass(frozen=True)
class SplitCount:
    """What one split holds; a group is counted once."""

    videos: int = 0
    reals: int = 0
    fakes: int = 0
    groups: int = 0


@dataclasses.dataclass(frozen=True)
class SplitReport:
    """What all splits hold.

    Attributes:
        splits: for each of `data.contract.SPLITS`, in their order, also if empty.
        refused: reason by `video_id`.
    """

    splits: Mapping[str, SplitCount]
    refused: Mapping[str, str]


def assign(
    videos: Sequence[SourceVideo],
    *,
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15),
    salt: str = "unmask",
) -> dict[str, Assignment]:
    """Gives each video a split such that no group is in two.

    Videos that their reader refused stay refused and join nothing. A group with two official
    splits is broken up by refusing as little as does it: first the fakes that join two splits
    by themselves, then the fakes that join them through a source of which no real video tells
    the split, and only if real videos of different official splits share a source, those too.

    Groups without an official split are drawn by a salted SHA-256 of their name. Adding videos
    moves another video only if its group gets an official split or a smaller name.

    Args:
        videos: all videos of a run.
        fractions: expected shares of groups in train, eval and test; their sum is 1.
        salt: changes which groups go to which split.

    Returns:
        The assignment by `video_id`, in the order of `videos`.

    Raises:
        ValueError: two videos have the same id, an official split is unknown, or the fractions
            are negative or do not add up to 1.
    """
    _check(videos, fractions)
    refused = {video.video_id: video.refused for video in videos if video.refused}
    kept = [video for video in videos if not video.refused]
    kept_after_refusals = _resolve_conflicts(kept, refused)

    assignments = {}
    for group in _connected(kept_after_refusals):
        name = min(key for video in group for key in _keys(video))
        official = _official_splits(group)
        split = official.pop() if official else _draw(f"{salt}:{name}", fractions)
        for video in group:
            assignments[video.video_id] = Assignment(split, name)
    return {
        video.video_id: Assignment(None, min(_keys(video)), refused[video.video_id])
        if video.video_id in refused
        else assignments[video.video_id]
        for video in videos
    }


def audit(videos: Sequence[SourceVideo], assignments: Mapping[str, Assignment]) -> SplitReport:
    """Counts what `assign` made of the videos.

    Args:
        videos: the videos given to `assign`.
        assignments: what it returned.

    Returns:
        Videos, reals, fakes and groups of each split, and who was refused and why.
    """
    members: dict[str, list[SourceVideo]] = {split: [] for split in contract.SPLITS}
    refused = {}
    for video in videos:
        assignment = assignments[video.video_id]
        if assignment.split is None:
            refused[video.video_id] = assignment.refused
        else:
            members[assignment.split].append(video)
    counts = {}
    for split, inside in members.items():
        fakes = sum(video.label == contract.Label.FAKE for video in inside)
        groups = {assignments[video.video_id].source_group for video in inside}
        counts[split] = SplitCount(len(inside), len(inside) - fakes, fakes, len(groups))
    return SplitReport(counts, refused)


def check_leakage(rows: Iterable[tuple[str, str, str, str, int]]) -> list[str]:
    """Looks for what must not be in finished splits.

    Holds ids, groups and checksums in memory, nothing else.

    Args:
        rows: `video_id`, split, `source_group`, `sha256` and label of each Example.

    Returns:
        One sentence a problem, naming the videos: a source group or a file that is in two
        splits, a split that is unknown, empty, or holds one class only. Empty if all is well.
    """
    groups: dict[str, dict[str, list[str]]] = {}
    files: dict[str, dict[str, list[str]]] = {}
    labels: dict[str, dict[int, list[str]]] = {split: {} for split in contract.SPLITS}
    for video_id, split, source_group, sha256, label in rows:
        groups.setdefault(source_group, {}).setdefault(split, []).append(video_id)
        files.setdefault(sha256, {}).setdefault(split, []).append(video_id)
        labels.setdefault(split, {}).setdefault(int(label), []).append(video_id)

    problems = []
    for what, by_value in (("source group", groups), ("file with sha256", files)):
        for value, by_split in by_value.items():
            if len(by_split) > 1:
                problems.append(f"{what} {value} is in {_name_members(by_split)}")
    for split, by_label in labels.items():
        if split not in contract.SPLITS:
            everyone = [video_id for inside in by_label.values() for video_id in inside]
            problems.append(f"unknown split {split}: {_name_some(everyone)}")
        elif not by_label:
            problems.append(f"split {split} is empty")
        elif len(by_label) == 1:
            ((label, inside),) = by_label.items()
            only = contract.Label(label).name.lower()
            problems.append(f"split {split} holds only {only} videos: {_name_some(inside)}")
    return problems


def _check(videos: Sequence[SourceVideo], fractions: tuple[float, float, float]) -> None:
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
        raise ValueError(f"fractions must not be negative and must add up to 1, not {fractions}")
    repeated = [
        video_id
        for video_id, count in collections.Counter(video.video_id for video in videos).items()
        if count > 1
    ]
    if repeated:
        raise ValueError(f"ids of more than one video: {_name_some(repeated)}")
    for video in videos:
        if video.split is not None and video.split not in contract.SPLITS:
            raise ValueError(f"{video.video_id}: unknown split '{video.split}'")


def _resolve_conflicts(
    videos: Sequence[SourceVideo], refused: dict[str, str]
) -> Sequence[SourceVideo]:
    """Adds to `refused` until no group has two official splits; returns who is left."""
    splits_of_key: dict[str, set[str]] = collections.defaultdict(set)
    for video in videos:
        if video.label == contract.Label.REAL and video.split is not None:
            for key in _keys(video):
                splits_of_key[key].add(video.split)

    def joins_splits(video: SourceVideo) -> bool:
        reached = set().union(*(splits_of_key.get(key, ()) for key in _keys(video)))
        return _is_fake(video) and len(reached | _official_splits([video])) > 1

    def has_source_of_unknown_split(video: SourceVideo) -> bool:
        return _is_fake(video) and not all(key in splits_of_key for key in _keys(video))

    def is_any(video: SourceVideo) -> bool:
        return True

    # From the mildest to the harshest; each looks only at groups that still conflict.
    for must_go in (joins_splits, has_source_of_unknown_split, is_any):
        for group in _connected(videos):
            official = _official_splits(group)
            if len(official) < 2:
                continue
            anchors = {
                split: [v.video_id for v in group if v.split == split]
                for split in contract.SPLITS
                if split in official
            }
            reason = f"its sources lie in different official splits: {_name_members(anchors)}"
            refused.update((video.video_id, reason) for video in group if must_go(video))
        videos = [video for video in videos if video.video_id not in refused]
    return videos


def _connected(videos: Sequence[SourceVideo]) -> list[list[SourceVideo]]:
    """Connected components by union-find with path halving, in order of first appearance."""
    parents: dict[str, str] = {}

    def find(key: str) -> str:
        parents.setdefault(key, key)
        while parents[key] != key:
            parents[key] = parents[parents[key]]
            key = parents[key]
        return key

    for video in videos:
        for source in video.sources:
            parents[find(source)] = find(video.video_id)
    components: dict[str, list[SourceVideo]] = {}
    for video in videos:
        components.setdefault(find(video.video_id), []).append(video)
    return list(components.values())


def _keys(video: SourceVideo) -> tuple[str, ...]:
    """The sources of a video, which is its own where it names none."""
    return video.sources or (video.video_id,)


def _is_fake(video: SourceVideo) -> bool:
    return video.label == contract.Label.FAKE


def _official_splits(videos: Iterable[SourceVideo]) -> set[str]:
    return {video.split for video in videos if video.split is not None}


def _draw(text: str, fractions: tuple[float, float, float]) -> str:
    """Draws a split with the given chances by the first 64 bits of a SHA-256."""
    digest = hashlib.sha256(text.encode()).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    for split, fraction in zip(contract.SPLITS[:-1], fractions[:-1], strict=True):
        if position < fraction:
            return split
        position -= fraction
    return contract.SPLITS[-1]


def _name_members(by_split: Mapping[str, Sequence[str]]) -> str:
    return " and ".join(f"{split} ({_name_some(inside)})" for split, inside in by_split.items())


def _name_some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED_IN_MESSAGE
    shown = ", ".join(names[:_NAMED_IN_MESSAGE])
    return f"{shown} and {more} more" if more > 0 else shown
