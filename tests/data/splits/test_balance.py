import collections
import random

import pytest

from data.datasets import Refusal
from data.ledger import Status
from data.splits.assignment import assign
from data.splits.balance import leave_out_fakes
from tests.data.source_videos import video


def make_dataset(reals, fakes, dataset="demo", split="train"):
    """So many reals, and so many fakes of each method."""
    videos = [
        video(f"{dataset}/{split}/real{i}", dataset=dataset, split=split) for i in range(reals)
    ]
    for method, count in fakes.items():
        videos += [
            video(
                f"{dataset}/{split}/{method}{i}",
                fake=True,
                method=method,
                dataset=dataset,
                split=split,
            )
            for i in range(count)
        ]
    return videos


def count_left(videos, **options):
    """Videos left by dataset, split and method."""
    balanced = leave_out_fakes(videos, assign(videos), **options)
    assert list(balanced) == [one.video_id for one in videos]
    return collections.Counter(
        (one.dataset, balanced[one.video_id].split, one.method)
        for one in videos
        if balanced[one.video_id].split is not None
    )


@pytest.mark.parametrize(
    ("reals", "fakes", "left"),
    [
        pytest.param(6, {"a": 10, "b": 10, "c": 10}, {"a": 2, "b": 2, "c": 2}, id="even"),
        pytest.param(9, {"a": 20, "b": 1, "c": 20}, {"a": 4, "b": 1, "c": 4}, id="a short method"),
        pytest.param(5, {"a": 2, "b": 3}, {"a": 2, "b": 3}, id="as many already"),
        pytest.param(9, {"a": 2, "b": 3}, {"a": 2, "b": 3}, id="fewer fakes"),
        pytest.param(0, {"a": 2}, {}, id="no reals"),
    ],
)
def test_methods_keep_evenly_many(reals, fakes, left):
    counts = count_left(make_dataset(reals, fakes))
    assert counts.pop(("demo", "train", "real"), 0) == reals
    assert {method: count for (_, _, method), count in counts.items()} == left


def test_what_does_not_divide_evenly_differs_by_one():
    counts = count_left(make_dataset(5, {"a": 10, "b": 10, "c": 10}))
    assert sorted(counts["demo", "train", method] for method in "abc") == [1, 2, 2]


def test_each_split_of_each_dataset_is_balanced_by_itself():
    videos = [
        *make_dataset(3, {"a": 9}, "one", "train"),
        *make_dataset(2, {"a": 1}, "one", "test"),
        *make_dataset(1, {"a": 5}, "two", "train"),
    ]
    assert count_left(videos) == {
        ("one", "train", "real"): 3,
        ("one", "train", "a"): 3,
        ("one", "test", "real"): 2,
        ("one", "test", "a"): 1,
        ("two", "train", "real"): 1,
        ("two", "train", "a"): 1,
    }


def test_left_out_fakes_keep_their_group_and_say_why():
    videos = [
        video("real", "a", split="train"),
        video("fake1", "a", fake=True),
        video("fake2", "a", fake=True),
    ]
    assignments = assign(videos)
    balanced = leave_out_fakes(videos, assignments)
    (out,) = (assignment for assignment in balanced.values() if assignment.split is None)
    assert out.source_group == "a"
    assert out.refused == Refusal(
        Status.REFUSED_BALANCE,
        "left out by chance so that fakes do not outnumber reals: 1 in train",
    )
    assert {assignment.split for assignment in assignments.values()} == {"train"}


def test_refused_videos_neither_count_nor_change():
    unlisted = Refusal(Status.REFUSED_INPUT, "in no list")
    videos = [
        *make_dataset(2, {"a": 2}),
        video("real", refused=unlisted),
        video("fake", fake=True, refused=unlisted),
    ]
    assignments = assign(videos)
    assert leave_out_fakes(videos, assignments) == assignments


def test_who_stays_is_drawn_whatever_the_order_and_anew_by_another_salt():
    videos = make_dataset(11, {"a": 30, "b": 30})
    assignments = assign(videos)
    balanced = leave_out_fakes(videos, assignments)
    assert leave_out_fakes(random.Random(0).sample(videos, len(videos)), assignments) == balanced
    assert leave_out_fakes(videos, assignments, salt="other") != balanced


def test_who_stays_follows_the_salted_sha256():
    # First byte of `printf other:balance:demo/train/a0 | sha256sum` and so on:
    # a0 4c, a1 46, a2 2e, a3 d8.
    videos = make_dataset(2, {"a": 4})
    balanced = leave_out_fakes(videos, assign(videos), salt="other")
    stay = [name for name, assignment in balanced.items() if assignment.split is not None]
    assert stay == ["demo/train/real0", "demo/train/real1", "demo/train/a1", "demo/train/a2"]
