"""Which fakes a run leaves out to balance its classes."""

import collections
import dataclasses
import hashlib
from collections.abc import Mapping, Sequence

from data import contract
from data.datasets import Refusal, SourceVideo
from data.ledger import Status
from data.splits.assignment import Assignment


def leave_out_fakes(
    videos: Sequence[SourceVideo],
    assignments: Mapping[str, Assignment],
    *,
    salt: str = "unmask",
) -> dict[str, Assignment]:
    """Refuses fakes until each split of each dataset has no more of them than reals.

    Each method keeps as many fakes as the others, as far as it has them. Which ones is drawn by a
    salted SHA-256 of their ids. Reals are never refused.

    Args:
        videos: the videos given to `data.splits.assignment.assign`.
        assignments: what it returned.
        salt: changes which fakes stay.

    Returns:
        The assignments, in the same order. A refused fake keeps its source group.

    Example:
        >>> videos = [
        ...     SourceVideo(name, name, label, "d", "swap", "", ("source",))
        ...     for name, label in (("real", 0), ("fake 1", 1), ("fake 2", 1))
        ... ]
        >>> assignments = {video.video_id: Assignment("train", "source") for video in videos}
        >>> balanced = leave_out_fakes(videos, assignments)
        >>> {name: assignment.split for name, assignment in balanced.items()}
        {'real': 'train', 'fake 1': 'train', 'fake 2': None}
    """
    reals: collections.Counter[tuple[str, str]] = collections.Counter()
    fakes: dict[tuple[str, str], list[SourceVideo]] = collections.defaultdict(list)
    for video in videos:
        split = assignments[video.video_id].split
        if split is not None and video.label == contract.Label.REAL:
            reals[video.dataset, split] += 1
        elif split is not None:
            fakes[video.dataset, split].append(video)
    balanced = dict(assignments)
    for (dataset, split), inside in fakes.items():
        count = reals[dataset, split]
        reason = f"left out by chance so that fakes do not outnumber reals: {count} in {split}"
        for video in _in_turn(inside, salt)[count:]:
            balanced[video.video_id] = dataclasses.replace(
                assignments[video.video_id],
                split=None,
                refused=Refusal(Status.REFUSED_BALANCE, reason),
            )
    return balanced


def _in_turn(fakes: Sequence[SourceVideo], salt: str) -> list[SourceVideo]:
    """Shuffles by hash, so that the methods take turns."""
    drawn = {
        video.video_id: hashlib.sha256(f"{salt}:balance:{video.video_id}".encode()).digest()
        for video in fakes
    }
    shuffled = sorted(fakes, key=lambda video: drawn[video.video_id])
    seen: collections.Counter[str] = collections.Counter()
    turns = {}
    for video in shuffled:
        turns[video.video_id] = seen[video.method]
        seen[video.method] += 1
    return sorted(shuffled, key=lambda video: turns[video.video_id])  # a stable sort
