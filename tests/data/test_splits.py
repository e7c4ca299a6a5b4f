import collections
import random

import pytest

from data import contract, splits
from data.contract import Label
from data.datasets.base import SourceVideo
from data.splits import SplitCount, assign, audit, check_leakage


def video(name, *sources, fake=False, split=None, refused=""):
    return SourceVideo(
        video_id=name,
        path=f"/clips/{name}",
        label=Label.FAKE if fake else Label.REAL,
        dataset="demo",
        method="swap" if fake else "real",
        compression="",
        sources=sources,
        split=split,
        refused=refused,
    )


def random_videos(seed, count=60, prefix="v", persons=40):
    """Reals of one person and fakes of two, as datasets have them."""
    draw = random.Random(seed)
    videos = []
    for i in range(count):
        fake = draw.random() < 0.5
        sources = draw.sample([f"p{n:03d}" for n in range(persons)], 2 if fake else 1)
        videos.append(video(f"{prefix}{i}", *sources, fake=fake))
    return videos


def groups_by_flood(videos):
    """The groups by a method of another kind: grow each until nothing is added."""
    groups = []
    for one in videos:
        names, keys = {one.video_id}, {one.video_id, *one.sources}
        touching = [group for group in groups if group[1] & keys]
        for group in touching:
            names |= group[0]
            keys |= group[1]
        groups = [group for group in groups if group not in touching] + [(names, keys)]
    return [names for names, _ in groups]


@pytest.mark.parametrize("seed", range(20))
def test_no_group_is_in_two_splits(seed):
    videos = random_videos(seed)
    assignments = assign(videos, salt=str(seed))
    assert list(assignments) == [one.video_id for one in videos]
    for names in groups_by_flood(videos):
        assert len({assignments[name] for name in names}) == 1
    by_group = collections.defaultdict(set)
    for assignment in assignments.values():
        by_group[assignment.source_group].add(assignment.split)
    assert all(len(inside) == 1 for inside in by_group.values())
    assert len(by_group) == len(groups_by_flood(videos))


@pytest.mark.parametrize("seed", range(20))
def test_adding_videos_moves_nobody_unless_groups_merge(seed):
    draw = random.Random(seed)
    old = random_videos(seed, count=30)
    new = [
        video(f"new{i}", draw.choice(old).sources[0], f"q{draw.randrange(50)}", fake=True)
        for i in range(10)
    ]
    before, after = assign(old), assign(old + new)
    groups_before = groups_by_flood(old)
    unmerged = [
        names & before.keys()
        for names in groups_by_flood(old + new)
        if names & before.keys() in groups_before
    ]
    assert unmerged
    for name in set().union(*unmerged):
        assert after[name] == before[name]


@pytest.mark.parametrize("seed", range(5))
def test_order_does_not_matter(seed):
    videos = random_videos(seed)
    shuffled = random.Random(seed).sample(videos, len(videos))
    assert assign(videos) == assign(shuffled)


def test_drawn_splits_have_the_fractions_asked_for():
    videos = [video(f"v{i}", f"p{i}") for i in range(4000)]
    counts = collections.Counter(a.split for a in assign(videos).values())
    assert counts["train"] / 4000 == pytest.approx(0.7, abs=0.03)
    assert counts["eval"] / 4000 == pytest.approx(0.15, abs=0.03)
    only_eval = assign(videos, fractions=(0.0, 1.0, 0.0))
    assert {a.split for a in only_eval.values()} == {"eval"}


@pytest.mark.parametrize(
    ("source", "split"),
    # First byte of `printf unmask:p3 | sha256sum`, against 0.7 (b3) and 0.85 (d9) of 256.
    [
        ("p3", "train"),  # 02
        ("p9", "train"),  # b0
        ("p6", "eval"),  # b9
        ("p11", "eval"),  # d7
        ("p12", "test"),  # eb
        ("p7", "test"),  # fd
    ],
)
def test_drawn_splits_follow_the_salted_sha256(source, split):
    assert assign([video("v", source)])["v"].split == split


def test_another_salt_draws_anew():
    videos = [video(f"v{i}", f"p{i}") for i in range(100)]
    assert assign(videos, salt="a") == assign(videos, salt="a")
    assert assign(videos, salt="a") != assign(videos, salt="b")


def test_group_is_named_after_its_smallest_source():
    assignments = assign([video("real", "b"), video("fake", "b", "a", fake=True), video("alone")])
    assert assignments["real"].source_group == assignments["fake"].source_group == "a"
    assert assignments["alone"].source_group == "alone"


def test_source_that_is_another_video_joins_it():
    assignments = assign([video("original", "person"), video("fake", "original", fake=True)])
    assert assignments["fake"].source_group == assignments["original"].source_group


def test_official_split_takes_the_whole_group():
    videos = [
        video("real", "a", split="test"),
        video("fake", "a", "b", fake=True),
        video("other real", "b"),
    ]
    assert {a.split for a in assign(videos, fractions=(1, 0, 0)).values()} == {"test"}


def splits_of(videos):
    return {name: a.split for name, a in assign(videos, fractions=(1.0, 0.0, 0.0)).items()}


def test_fake_that_joins_two_official_splits_is_refused():
    videos = [
        video("a", "a", split="train"),
        video("b", "b", split="test"),
        video("a_b", "a", "b", fake=True),
        video("a_c", "a", "c", fake=True),
    ]
    assert splits_of(videos) == {"a": "train", "b": "test", "a_b": None, "a_c": "train"}
    assert assign(videos)["a_b"].refused == (
        "its sources lie in different official splits: train (a) and test (b)"
    )


def test_fake_in_another_official_split_than_its_original_is_refused():
    videos = [video("a", "a", split="test"), video("fake", "a", fake=True, split="train")]
    assert splits_of(videos) == {"a": "test", "fake": None}


def test_fakes_that_join_two_official_splits_by_an_absent_original_are_refused():
    videos = [
        video("a", "a", split="train"),
        video("b", "b", split="test"),
        video("a_x", "a", "x", fake=True),
        video("x_b", "x", "b", fake=True),
        video("a_only", "a", fake=True),
    ]
    assert splits_of(videos) == {
        "a": "train",
        "b": "test",
        "a_x": None,
        "x_b": None,
        "a_only": "train",
    }


def test_reals_of_one_source_in_two_official_splits_are_all_refused():
    videos = [
        video("a1", "a", split="train"),
        video("a2", "a", split="test"),
        video("fake", "a", fake=True),
        video("b", "b", split="train"),
    ]
    assert splits_of(videos) == {"a1": None, "a2": None, "fake": None, "b": "train"}
    assert "train (a1) and test (a2)" in assign(videos)["a1"].refused


@pytest.mark.parametrize("seed", range(30))
def test_whatever_the_official_splits_what_is_kept_does_not_leak(seed):
    draw = random.Random(seed)
    videos = [
        video(
            one.video_id,
            *one.sources,
            fake=one.label == Label.FAKE,
            split=draw.choice([None, None, *contract.SPLITS]),
        )
        for one in random_videos(seed, count=40, persons=30)
    ]
    assignments = assign(videos)
    kept = [one for one in videos if assignments[one.video_id].split is not None]
    assert kept
    for names in groups_by_flood(kept):
        assert len({assignments[name] for name in names}) == 1
    for one in videos:
        assignment = assignments[one.video_id]
        assert (assignment.split is None) == bool(assignment.refused)
        assert one.split is None or assignment.split in (one.split, None)


def test_video_that_its_reader_refused_stays_refused_and_joins_nothing():
    videos = [
        video("a", "a", split="train"),
        video("b", "b", split="test"),
        video("a_b", "a", "b", fake=True, refused="in no list"),
    ]
    assert assign(videos) == {
        "a": splits.Assignment("train", "a"),
        "b": splits.Assignment("test", "b"),
        "a_b": splits.Assignment(None, "a", "in no list"),
    }


@pytest.mark.parametrize(
    ("videos", "fractions", "message"),
    [
        ([video("a"), video("a")], (0.7, 0.15, 0.15), "more than one video: a"),
        ([video("a", split="val")], (0.7, 0.15, 0.15), "a: unknown split 'val'"),
        ([], (0.7, 0.2, 0.2), "must add up to 1"),
        ([], (1.2, -0.1, -0.1), "must not be negative"),
    ],
)
def test_wrong_input(videos, fractions, message):
    with pytest.raises(ValueError, match=message):
        assign(videos, fractions=fractions)


def test_audit_counts_videos_and_groups():
    videos = [
        video("a", "a", split="train"),
        video("a_b", "a", "b", fake=True, split="train"),
        video("c", "c", split="train"),
        video("d", "d", split="test"),
        video("e", "e", refused="in no list"),
    ]
    report = audit(videos, assign(videos))
    assert report.splits == {
        "train": SplitCount(videos=3, reals=2, fakes=1, groups=2),
        "eval": SplitCount(),
        "test": SplitCount(videos=1, reals=1, fakes=0, groups=1),
    }
    assert list(report.splits) == ["train", "eval", "test"]
    assert report.refused == {"e": "in no list"}


def clean_rows():
    return [
        (f"{split}/{label}", split, f"group of {split}", f"sha of {split} {label}", label)
        for split in contract.SPLITS
        for label in (0, 1)
    ]


def test_no_leakage_no_problems():
    assert check_leakage(iter(clean_rows())) == []


@pytest.mark.parametrize(
    ("added", "problem"),
    [
        (
            [("stray", "test", "group of train", "new", 1)],
            "source group group of train is in train (train/0, train/1) and test (stray)",
        ),
        (
            [("copy", "eval", "group of eval", "sha of test 0", 0)],
            "file with sha256 sha of test 0 is in test (test/0) and eval (copy)",
        ),
        (
            [(f"v{i}", "spare", "spare", f"spare {i}", 1) for i in range(5)],
            "unknown split spare: v0, v1, v2 and 2 more",
        ),
    ],
)
def test_leakage_names_the_videos(added, problem):
    assert check_leakage(clean_rows() + added) == [problem]


def test_empty_and_one_class_splits_are_problems():
    rows = [row for row in clean_rows() if row[1] != "eval" and row[0] != "test/1"]
    assert check_leakage(rows) == [
        "split eval is empty",
        "split test holds only real videos: test/0",
    ]
    assert check_leakage([]) == [f"split {split} is empty" for split in contract.SPLITS]


def test_what_is_assigned_passes_the_check():
    videos = random_videos(7, count=300, persons=400)
    assignments = assign(videos)
    rows = [
        (
            v.video_id,
            assignments[v.video_id].split,
            assignments[v.video_id].source_group,
            v.path,
            v.label,
        )
        for v in videos
    ]
    assert check_leakage(rows) == []
