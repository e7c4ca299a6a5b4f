"""Assigns videos to splits so that what was made from the same source stays together.

Videos that share a source form a group, a connected component of the graph of videos and
sources. A group goes to one split as a whole: to the dataset's official one if there is one, else
to one drawn by a hash of the group's name. So no list has to be stored, and further videos do not
move the others.
"""

import collections
import dataclasses
import hashlib
import types
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from data import contract
from data.datasets import Refusal, SourceVideo
from data.ledger import Status
from data.splits.groups import keys_of, name_members, possible_splits, resolve_conflicts
from data.utils.name_some import name_some


@dataclasses.dataclass(frozen=True)
class Assignment:
    """Where a video goes.

    Attributes:
        split: one of `data.contract.SPLITS`, or None if the video is refused.
        source_group: name of its group: the smallest key of its members.
        refused: why it is in no split; None if it is in one.
    """

    split: str | None
    source_group: str
    refused: Refusal | None = None


def assign(
    videos: Sequence[SourceVideo],
    *,
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15),
    salt: str = "unmask",
    kept: Mapping[str, str] = types.MappingProxyType({}),
) -> dict[str, Assignment]:
    """Gives each video a split such that no group is in two.

    Videos that their reader refused stay refused and connect nothing. A video with `split_by`
    goes where its keys are drawn, and is refused if they are drawn into different splits. A group
    with two official splits is broken up by refusing as few videos as possible, see
    `data.splits.groups.resolve_conflicts`.

    Groups without an official split are drawn by a salted SHA-256 of their name. If a group may
    not go to a split, that split's fraction goes to the first split that is allowed: to train,
    if possible. Further videos move an earlier one only if its group gets an official split, a
    restriction or a smaller name, and never one that is in `kept`.

    Args:
        videos: all videos of a run.
        fractions: expected shares of groups in train, eval and test; their sum is 1.
        salt: changes which groups go to which split.
        kept: the split by `video_id` of videos that an earlier extraction into the same output
            used. They stay in it, and so does what joins their group. Ids that are not in
            `videos` are ignored.

    Returns:
        The assignment by `video_id`, in the order of `videos`.

    Raises:
        UsageError: a video connects groups that are kept in different splits, or an official
            list moves a kept one; names them.
        ValueError: two videos have the same id, a split is unknown, a video has `split_by`
            besides `split` or `splits_allowed`, or the fractions are negative or do not add up
            to 1.
    """
    _check(videos, fractions, kept)
    refused = {video.video_id: video.refused for video in videos if video.refused is not None}
    considered = [video for video in videos if video.refused is None]

    def draw_key(key: str) -> str:
        return draw_split(f"{salt}:{key}", fractions)

    placed = _place_by_keys(considered, draw_key, refused, kept)
    assignments = {}
    for group in resolve_conflicts(placed, refused, kept):
        name = min(key for video in group for key in keys_of(video))
        split = draw_split(f"{salt}:{name}", _restrict(fractions, possible_splits(group, kept)))
        for video in group:
            assignments[video.video_id] = Assignment(split, name)
    return {
        video.video_id: Assignment(None, min(keys_of(video)), refused[video.video_id])
        if video.video_id in refused
        else assignments[video.video_id]
        for video in videos
    }


def draw_split(text: str, fractions: Sequence[float]) -> str:
    """Draws a split with the given chances by the first 64 bits of a SHA-256.

    Args:
        text: the same text always draws the same split.
        fractions: chances of train, eval and test; their sum is 1.

    Returns:
        One of `data.contract.SPLITS`, never one whose chance is 0.

    Example:
        >>> [draw_split(f"group {number}", (0.6, 0.2, 0.2)) for number in range(4)]
        ['train', 'eval', 'train', 'train']
    """
    digest = hashlib.sha256(text.encode()).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    chances = [pair for pair in zip(contract.SPLITS, fractions, strict=True) if pair[1] > 0]
    for split, fraction in chances[:-1]:
        if position < fraction:
            return split
        position -= fraction
    return chances[-1][0]


def check_leakage(
    rows: Iterable[tuple[str, str, str, str, int]], *, reals_suffice: Collection[str] = ()
) -> list[str]:
    """Checks finished splits for leaks.

    Holds only ids, groups and checksums in memory.

    Args:
        rows: `video_id`, split, `source_group`, `sha256` and label of each Example.
        reals_suffice: splits that need no fakes.

    Returns:
        One sentence a problem, naming the videos: a source group or a file that is in two
        splits, a split that is unknown, empty, or holds one class only. Empty if all is well.

    Example:
        >>> check_leakage(
        ...     [
        ...         ("a", "train", "g", "sha a", 0),
        ...         ("b", "train", "h", "sha b", 1),
        ...         ("c", "eval", "g", "sha c", 0),
        ...     ],
        ...     reals_suffice=["eval"],
        ... )
        ['source group g is in train (a) and eval (c)', 'split test is empty']
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
                problems.append(f"{what} {value} is in {name_members(by_split)}")
    for split, by_label in labels.items():
        if split not in contract.SPLITS:
            everyone = [video_id for inside in by_label.values() for video_id in inside]
            problems.append(f"unknown split {split}: {name_some(everyone)}")
        elif not by_label:
            problems.append(f"split {split} is empty")
        elif len(by_label) == 1:
            ((label, inside),) = by_label.items()
            if label == contract.Label.REAL and split in reals_suffice:
                continue
            only = contract.Label(label).name.lower()
            problems.append(f"split {split} holds only {only} videos: {name_some(inside)}")
    return problems


def _check(
    videos: Sequence[SourceVideo],
    fractions: tuple[float, float, float],
    kept: Mapping[str, str],
) -> None:
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
        raise ValueError(f"fractions must not be negative and must add up to 1, not {fractions}")
    repeated = [
        video_id
        for video_id, count in collections.Counter(video.video_id for video in videos).items()
        if count > 1
    ]
    if repeated:
        raise ValueError(f"ids of more than one video: {name_some(repeated)}")
    for video in videos:
        official = [] if video.split is None else [video.split]
        for split in (*official, *video.splits_allowed, kept.get(video.video_id, "train")):
            if split not in contract.SPLITS:
                raise ValueError(f"{video.video_id}: unknown split '{split}'")
        if video.split_by and (official or len(video.splits_allowed) < len(contract.SPLITS)):
            raise ValueError(f"{video.video_id}: split_by excludes split and splits_allowed")


def _place_by_keys(
    videos: Sequence[SourceVideo],
    draw_key: Callable[[str], str],
    refused: dict[str, Refusal],
    kept: Mapping[str, str],
) -> list[SourceVideo]:
    """Places videos by their keys of `split_by`.

    Adds to `refused` the videos whose keys are drawn into different splits; returns the others.
    """
    pinned = {
        key: kept[video.video_id]
        for video in videos
        if video.video_id in kept
        for key in video.split_by
    }
    placed = []
    for video in videos:
        keys_in: dict[str, list[str]] = collections.defaultdict(list)
        for key in video.split_by:
            keys_in[pinned.get(key) or draw_key(key)].append(key)
        if not keys_in:
            placed.append(video)
        elif len(keys_in) == 1 or video.video_id in kept:
            split = kept.get(video.video_id) or min(keys_in)
            placed.append(dataclasses.replace(video, split=split))
        else:
            drawn = name_members({split: keys_in[split] for split in sorted(keys_in)})
            reason = f"its sources are drawn into different splits: {drawn}"
            refused[video.video_id] = Refusal(Status.REFUSED_CROSS_SPLIT, reason)
    return placed


def _restrict(fractions: tuple[float, float, float], possible: frozenset[str]) -> tuple[float, ...]:
    """Gives the chances of the splits that are not possible to the first that is."""
    first = min(possible, key=contract.SPLITS.index)
    chances = dict(zip(contract.SPLITS, fractions, strict=True))
    chances[first] += sum(chances[split] for split in chances if split not in possible)
    return tuple(chances[split] if split in possible else 0.0 for split in chances)
