"""Groups of videos that may not be split, and what is refused so that each fits into one split.

A group is a connected component of the graph of videos and their sources. An official list,
`SourceVideo.splits_allowed` or an earlier extraction tie its members to splits, and where they
tie them to different ones the group has to be broken up.
"""

import collections
from collections.abc import Callable, Iterable, Mapping, Sequence

from scipy.cluster.hierarchy import DisjointSet

from data import contract
from data.datasets import Refusal, SourceVideo
from data.ledger import Status
from data.utils.errors import UsageError
from data.utils.name_some import NAMED_IN_MESSAGE, name_some

_ALL = frozenset(contract.SPLITS)


def keys_of(video: SourceVideo) -> tuple[str, ...]:
    """The keys that a video may share with others of its group; its own id if it names none.

    Example:
        >>> keys_of(SourceVideo("d/a", "a.mp4", 0, "d", "real", "", ("person 1", "person 2")))
        ('person 1', 'person 2')
    """
    return (*video.sources, *video.split_by) or (video.video_id,)


def possible_splits(videos: Iterable[SourceVideo], kept: Mapping[str, str]) -> frozenset[str]:
    """The splits that a whole group can go to.

    Args:
        videos: its members.
        kept: the split of an earlier extraction by `video_id`.

    Returns:
        Some of `data.contract.SPLITS`; empty if its members' claims exclude each other.
    """
    possible = _ALL
    for video in videos:
        for _, splits in _claims(video, kept):
            possible = possible.intersection(splits)
    return possible


def connected(videos: Iterable[SourceVideo]) -> list[list[SourceVideo]]:
    """Groups videos that share a source, directly or through others.

    Args:
        videos: in any order.

    Returns:
        The groups, in order of first appearance.
    """
    sets = DisjointSet()
    for video in videos:
        _join(sets, video)
    groups: dict[str, list[SourceVideo]] = collections.defaultdict(list)
    for video in videos:
        groups[sets[video.video_id]].append(video)
    return list(groups.values())


def resolve_conflicts(
    videos: Sequence[SourceVideo], refused: dict[str, Refusal], kept: Mapping[str, str]
) -> list[list[SourceVideo]]:
    """Refuses as few videos as possible, until each group can go to one split as a whole.

    In this order, and only in groups that fit into no split:

    1. videos that may not go where an official list puts another video of the same source,
    2. fakes whose own sources lie in different splits,
    3. fakes with a source whose split no real video determines,
    4. the whole group, if reals of different splits share a source.

    Videos that an earlier extraction put into a split are never refused here.

    Args:
        videos: none of them refused.
        refused: receives the refusals, by `video_id`.
        kept: the split of an earlier extraction by `video_id`.

    Returns:
        The groups of the videos that are left.

    Raises:
        UsageError: a group fits into no split because of what is kept of it; names the videos.
    """
    groups = connected(videos)
    for must_go in _rules(videos):
        groups = _refuse(groups, must_go, refused, kept)
    left, problems = [], []
    for group in groups:
        if possible_splits(group, kept):
            left.append(group)
        elif any(video.video_id in kept for video in group):
            problems.append(_describe_joining(group, kept))
        else:
            refused.update(dict.fromkeys((video.video_id for video in group), _cross_split(group)))
    if problems:
        more = len(problems) - NAMED_IN_MESSAGE
        others = [f"so do clips of {more} more groups;"] if more > 0 else []
        cure = "take these clips out of the input, or extract into a new folder"
        raise UsageError("\n".join([*problems[:NAMED_IN_MESSAGE], *others, cure]))
    return left


def name_members(by_split: Mapping[str, Sequence[str]]) -> str:
    """Names the videos of each split, for a message.

    Example:
        >>> name_members({"train": ["a", "b"], "test": ["c"]})
        'train (a, b) and test (c)'
    """
    return " and ".join(f"{split} ({name_some(inside)})" for split, inside in by_split.items())


def _rules(videos: Sequence[SourceVideo]) -> tuple[Callable[[SourceVideo], bool], ...]:
    """Who must go of a group that fits into no split, rule after rule."""
    official: dict[str, set[str]] = collections.defaultdict(set)
    # By key, the splits that its reals allow; no entry where they allow all.
    of_reals: dict[str, frozenset[str]] = {}
    for video in videos:
        own = possible_splits([video], {})
        if own == _ALL:
            continue
        for key in keys_of(video):
            if video.split is not None:
                official[key].add(video.split)
            if video.label == contract.Label.REAL:
                of_reals[key] = of_reals.get(key, _ALL) & own

    def gives_way(video: SourceVideo) -> bool:
        taken = set().union(*(official.get(key, ()) for key in keys_of(video)))
        return video.split is None and not taken.issubset(video.splits_allowed)

    def joins_splits(video: SourceVideo) -> bool:
        own = possible_splits([video], {})
        return _is_fake(video) and not own.intersection(
            *(of_reals.get(key, _ALL) for key in keys_of(video))
        )

    def has_source_of_unknown_split(video: SourceVideo) -> bool:
        return _is_fake(video) and not all(key in of_reals for key in keys_of(video))

    return gives_way, joins_splits, has_source_of_unknown_split


def _refuse(
    groups: Sequence[list[SourceVideo]],
    must_go: Callable[[SourceVideo], bool],
    refused: dict[str, Refusal],
    kept: Mapping[str, str],
) -> list[list[SourceVideo]]:
    """Applies one rule to the groups that fit into no split; returns the groups of the rest."""
    fitting, rest = [], []
    for group in groups:
        if possible_splits(group, {}):
            fitting.append(group)
            continue
        refusal = _cross_split(group)
        for video in group:
            if video.video_id not in kept and must_go(video):
                refused[video.video_id] = refusal
            else:
                rest.append(video)
    return fitting + connected(rest)


def _cross_split(group: Sequence[SourceVideo]) -> Refusal:
    members = name_members(_by_claim(group, {}))
    return Refusal(Status.REFUSED_CROSS_SPLIT, f"its sources lie in different splits: {members}")


def _describe_joining(group: Sequence[SourceVideo], kept: Mapping[str, str]) -> str:
    """Names the videos of a group without which the others fit, and what they would join."""
    sets = DisjointSet()
    possible: dict[str, frozenset[str]] = {}
    joining = []
    # Earlier videos come first, and reals before fakes, which join two groups more often.
    for video in sorted(group, key=lambda v: (v.video_id not in kept, _is_fake(v), v.video_id)):
        met = {sets[key] for key in (video.video_id, *keys_of(video)) if key in sets}
        own = possible_splits([video], kept)
        together = own.intersection(*(possible[root] for root in met))
        if together:
            _join(sets, video)
            possible[sets[video.video_id]] = together
        else:
            joining.append(video.video_id)
    members = name_members(_by_claim(group, kept))
    return f"{name_some(joining)} would tie different splits together: {members};"


def _by_claim(videos: Iterable[SourceVideo], kept: Mapping[str, str]) -> dict[str, list[str]]:
    """Sorted ids of the videos by what they claim; those without a claim are left out."""
    by_claim: dict[str, list[str]] = collections.defaultdict(list)
    for video in sorted(videos, key=lambda video: video.video_id):
        for claim, _ in _claims(video, kept):
            by_claim[claim].append(video.video_id)
    return by_claim


def _claims(video: SourceVideo, kept: Mapping[str, str]) -> list[tuple[str, frozenset[str]]]:
    """What ties a video to splits, in words, and the splits; nothing if it may go anywhere."""
    allowed = video.splits_allowed if video.split is None else (video.split,)
    claims = []
    earlier = kept.get(video.video_id)
    if earlier is not None:
        claims.append((f"{earlier} of the earlier extraction", frozenset([earlier])))
    if len(allowed) < len(_ALL) and earlier not in allowed:
        claims.append((" or ".join(allowed), frozenset(allowed)))
    return claims


def _join(sets: DisjointSet, video: SourceVideo) -> None:
    sets.add(video.video_id)
    for key in (*video.sources, *video.split_by):
        sets.add(key)
        sets.merge(video.video_id, key)


def _is_fake(video: SourceVideo) -> bool:
    return video.label == contract.Label.FAKE
