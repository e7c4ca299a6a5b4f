"""What holds of splits whatever the videos: many small graphs, drawn with fixed seeds."""

import dataclasses
import random
import re

import pytest

from data import contract
from data.datasets import Refusal
from data.ledger import Status
from data.splits.assignment import assign
from data.utils.errors import UsageError
from tests.data.source_videos import groups_by_flood, random_videos, splits_kept

UNLISTED = Refusal(Status.REFUSED_INPUT, "in no list")


def messy_videos(seed, count=40, prefix="v"):
    """Videos of few persons with all that a reader may say of them."""
    choose = random.Random(seed)
    videos = []
    for one in random_videos(seed, count, prefix, persons=30):
        said = choose.choice(["nothing", "split", "splits_allowed", "split_by", "refused", "actor"])
        if said == "split":
            one = dataclasses.replace(one, split=choose.choice(contract.SPLITS))
        elif said == "splits_allowed":
            one = dataclasses.replace(one, splits_allowed=("train", "eval"))
        elif said == "split_by":
            one = dataclasses.replace(one, split_by=one.sources)
        elif said == "actor":
            one = dataclasses.replace(one, sources=(), split_by=(f"a{choose.randrange(9)}",))
        elif said == "refused":
            one = dataclasses.replace(one, refused=UNLISTED)
        videos.append(one)
    return videos


@pytest.mark.parametrize("seed", range(40))
def test_whatever_readers_say_what_is_assigned_does_not_leak(seed):
    videos = messy_videos(seed)
    assignments = assign(videos)
    assert list(assignments) == [one.video_id for one in videos]
    inside = [one for one in videos if assignments[one.video_id].split is not None]
    assert inside
    for names in groups_by_flood(inside):
        assert len({assignments[name] for name in names}) == 1
    split_of_group = {(a.source_group, a.split) for a in assignments.values() if a.split}
    assert len(split_of_group) == len(groups_by_flood(inside))
    for one in videos:
        assignment = assignments[one.video_id]
        assert (assignment.split is None) == (assignment.refused is not None)
        assert one.split is None or assignment.split in (one.split, None)
        assert assignment.split is None or assignment.split in one.splits_allowed
        assert one.refused is None or assignment.refused is one.refused


@pytest.mark.parametrize("seed", range(20))
def test_whatever_readers_say_order_does_not_matter(seed):
    videos = messy_videos(seed)
    assert assign(videos) == assign(random.Random(seed).sample(videos, len(videos)))


@pytest.mark.parametrize("seed", range(20))
def test_what_was_assigned_is_assigned_again(seed):
    videos = messy_videos(seed)
    assignments = assign(videos)
    assert assign(videos, kept=splits_kept(assignments)) == assignments


def test_adding_videos_never_moves_kept_ones():
    added, blamed = 0, []
    for seed in range(60):
        old = messy_videos(seed, count=30)
        new = messy_videos(seed + 1000, count=3, prefix="new")
        kept = splits_kept(assign(old))
        try:
            after = assign(old + new, kept=kept)
        except UsageError as error:
            blamed.append((re.match("[^ ,]+", str(error))[0], kept))
        else:
            assert splits_kept(after).items() >= kept.items()
            added += 1
    assert added > 20
    assert len(blamed) > 5
    assert all(name not in kept for name, kept in blamed)
