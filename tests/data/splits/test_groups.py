import pytest

from data.datasets import Refusal
from data.ledger import Status
from data.splits.assignment import assign
from data.splits.groups import connected
from data.utils.errors import UsageError
from tests.data.source_videos import groups_by_flood, random_videos, video


def splits_of(videos, **options):
    assignments = assign(videos, fractions=(1.0, 0.0, 0.0), **options)
    return {name: assignment.split for name, assignment in assignments.items()}


@pytest.mark.parametrize("seed", range(10))
def test_connected_finds_what_a_flood_finds(seed):
    videos = random_videos(seed)
    groups = [{one.video_id for one in group} for group in connected(videos)]
    assert sorted(map(sorted, groups)) == sorted(map(sorted, groups_by_flood(videos)))


TRAINING_SIDE = ("train", "eval")

CONFLICTS = {
    "a fake joins two official splits": (
        [
            video("a", "a", split="train"),
            video("b", "b", split="test"),
            video("a_b", "a", "b", fake=True),
            video("a_c", "a", "c", fake=True),
        ],
        {"a": "train", "b": "test", "a_b": None, "a_c": "train"},
    ),
    "a fake is officially elsewhere than its original": (
        [video("a", "a", split="test"), video("fake", "a", fake=True, split="train")],
        {"a": "test", "fake": None},
    ),
    "fakes join two official splits by an absent original": (
        [
            video("a", "a", split="train"),
            video("b", "b", split="test"),
            video("a_x", "a", "x", fake=True),
            video("x_b", "x", "b", fake=True),
            video("a_only", "a", fake=True),
        ],
        {"a": "train", "b": "test", "a_x": None, "x_b": None, "a_only": "train"},
    ),
    "reals of one source are in two official splits": (
        [
            video("a1", "a", split="train"),
            video("a2", "a", split="test"),
            video("fake", "a", fake=True),
            video("b", "b", split="train"),
        ],
        {"a1": None, "a2": None, "fake": None, "b": "train"},
    ),
    "a training side gives way to the official test": (
        [
            video("real", "a", splits_allowed=TRAINING_SIDE),
            video("fake", "a", fake=True, splits_allowed=TRAINING_SIDE),
            video("listed", "a", fake=True, split="test"),
            video("other", "b", splits_allowed=TRAINING_SIDE),
        ],
        {"real": None, "fake": None, "listed": "test", "other": "train"},
    ),
    "a fake joins a training side and the official test": (
        [
            video("a", "a", splits_allowed=TRAINING_SIDE),
            video("b", "b", split="test"),
            video("a_b", "a", "b", fake=True),
        ],
        {"a": "train", "b": "test", "a_b": None},
    ),
    "no split is allowed to all reals of one source": (
        [
            video("a1", "a", splits_allowed=("train",)),
            video("a2", "a", splits_allowed=("eval", "test")),
        ],
        {"a1": None, "a2": None},
    ),
}


@pytest.mark.parametrize(("videos", "expected"), CONFLICTS.values(), ids=CONFLICTS)
def test_as_little_as_does_it_is_refused(videos, expected):
    assert splits_of(videos) == expected
    assert splits_of(videos[::-1]) == expected


def test_refusal_names_who_is_where():
    videos = [
        video("a", "a", split="train"),
        video("b1", "b", split="test"),
        video("b2", "b", splits_allowed=("test", "eval")),
        video("a_b", "a", "b", fake=True),
    ]
    assert assign(videos)["a_b"].refused == Refusal(
        Status.REFUSED_CROSS_SPLIT,
        "its sources lie in different splits: train (a) and test (b1) and test or eval (b2)",
    )


CURE = "take these clips out of the input, or extract into a new folder"

JOINING = {
    "a new fake of two kept clips": (
        [video("a", "a"), video("b", "b"), video("a_b", "a", "b", fake=True)],
        {"a": "train", "b": "test"},
        "a_b would tie different splits together: train of the earlier extraction (a) "
        "and test of the earlier extraction (b);",
    ),
    "new fakes in a chain": (
        [
            video("a", "a"),
            video("b1", "b"),
            video("b2", "b", fake=True),
            video("a_x", "a", "x", fake=True),
            video("x", "x"),
            video("x_b", "x", "b", fake=True),
        ],
        {"a": "train", "b1": "test", "b2": "test"},
        "x_b would tie different splits together: train of the earlier extraction (a) "
        "and test of the earlier extraction (b1, b2);",
    ),
    "a new clip of another official split": (
        [video("a", "a", split="train"), video("later", "a", split="test")],
        {"a": "train"},
        "later would tie different splits together: train of the earlier extraction (a) "
        "and test (later);",
    ),
    "a kept clip of another official split": (
        [video("a", "a", split="test")],
        {"a": "train"},
        "a would tie different splits together: train of the earlier extraction (a) and test (a);",
    ),
    "a new clip that may not go where the kept one is": (
        [video("a", "a"), video("later", "a", splits_allowed=TRAINING_SIDE)],
        {"a": "test"},
        "later would tie different splits together: test of the earlier extraction (a) "
        "and train or eval (later);",
    ),
    "a new original of a kept fake": (
        [
            video("a", "a", split="train"),
            video("b", "b", split="test"),
            video("a_b", "a", "b", fake=True),
        ],
        {"a_b": "train"},
        "b would tie different splits together: train (a) "
        "and train of the earlier extraction (a_b) and test (b);",
    ),
    "a new fake of a kept clip and of a new one with an official split": (
        [video("a", "a"), video("z", "z", split="test"), video("a_z", "a", "z", fake=True)],
        {"a": "train"},
        "a_z would tie different splits together: train of the earlier extraction (a) "
        "and test (z);",
    ),
    "kept clips that share a key by now": (
        [video("a", split_by=("k1", "k2")), video("b", split_by=("k1",))],
        {"a": "train", "b": "test"},
        "b would tie different splits together: train of the earlier extraction (a) "
        "and test of the earlier extraction (b);",
    ),
    "five new clips": (
        [video("a", "a"), video("b", "b")]
        + [video(f"new{i}", "a", "b", fake=True) for i in range(5)],
        {"a": "train", "b": "test"},
        "new0, new1, new2 and 2 more would tie different splits together: "
        "train of the earlier extraction (a) and test of the earlier extraction (b);",
    ),
}


@pytest.mark.parametrize(("videos", "kept", "problem"), JOINING.values(), ids=JOINING)
def test_what_would_move_a_kept_video_is_an_error(videos, kept, problem):
    for ordered in (videos, videos[::-1]):
        with pytest.raises(UsageError) as raised:
            assign(ordered, kept=kept)
        assert str(raised.value) == f"{problem}\n{CURE}"


def test_error_is_over_when_the_clips_it_names_are_taken_out():
    videos, kept, _ = JOINING["new fakes in a chain"]
    left = [one for one in videos if one.video_id != "x_b"]
    assert splits_of(left, kept=kept) == {
        "a": "train",
        "a_x": "train",
        "x": "train",
        "b1": "test",
        "b2": "test",
    }


def test_error_counts_the_groups_that_it_does_not_show():
    videos, kept = [], {}
    for i in range(5):
        videos += [video(f"a{i}", f"a{i}"), video(f"b{i}", f"b{i}")]
        videos.append(video(f"new{i}", f"a{i}", f"b{i}"))
        kept |= {f"a{i}": "train", f"b{i}": "eval"}
    with pytest.raises(UsageError) as raised:
        assign(videos, kept=kept)
    lines = str(raised.value).splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["new0", "new1", "new2"]
    assert lines[3:] == ["so do clips of 2 more groups;", CURE]


KEPT_CONFLICTS = {
    "a new fake of two official splits is refused as in a new folder": (
        [
            video("a", "a", split="train"),
            video("b", "b", split="test"),
            video("a_b", "a", "b", fake=True),
        ],
        {"a": "train", "b": "test"},
        {"a": "train", "b": "test", "a_b": None},
    ),
    "a kept fake of an unknown source stays and the new one is refused": (
        [
            video("a", "a", split="train"),
            video("a_x", "a", "x", fake=True),
            video("b", "b", split="test"),
            video("x_b", "x", "b", fake=True),
        ],
        {"a": "train", "a_x": "train"},
        {"a": "train", "a_x": "train", "b": "test", "x_b": None},
    ),
    "what was refused as a whole group is refused again": (
        [video("a1", "a", split="train"), video("a2", "a", split="test"), video("b", "b")],
        {"b": "eval"},
        {"a1": None, "a2": None, "b": "eval"},
    ),
}


@pytest.mark.parametrize(
    ("videos", "kept", "expected"), KEPT_CONFLICTS.values(), ids=KEPT_CONFLICTS
)
def test_official_conflicts_beside_kept_videos(videos, kept, expected):
    assert splits_of(videos, kept=kept) == expected
