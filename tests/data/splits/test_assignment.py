import collections
import random

import pytest

from data import contract
from data.datasets import Refusal
from data.ledger import Status
from data.splits.assignment import Assignment, assign, check_leakage, draw_split
from tests.data.source_videos import groups_by_flood, random_videos, splits_kept, video

UNLISTED = Refusal(Status.REFUSED_INPUT, "in no list")


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


@pytest.mark.parametrize("earlier", contract.SPLITS)
def test_what_joins_a_kept_video_goes_to_its_split(earlier):
    # The new group is named `a`; the old one was named `b`.
    videos = [video("old", "b"), video("new", "a", "b", fake=True)]
    assignments = assign(videos, kept={"old": earlier, "gone": "test"})
    assert assignments == {
        "old": Assignment(earlier, "a"),
        "new": Assignment(earlier, "a"),
    }


def test_keys_of_split_by_are_drawn_by_themselves():
    # p3 and p9 are drawn into train, p7 into test: see above.
    def actor(name, *keys):
        return video(name, split_by=keys, fake=len(keys) > 1)

    videos = [actor("3", "p3"), actor("9", "p9"), actor("7", "p7")]
    assert splits_kept(assign(videos)) == {"3": "train", "9": "train", "7": "test"}
    assignments = assign([*videos, actor("3_9", "p3", "p9"), actor("9_7", "p9", "p7")])
    assert assignments["3_9"] == assignments["3"] == assignments["9"] == Assignment("train", "p3")
    assert assignments["7"] == Assignment("test", "p7")
    assert assignments["9_7"] == Assignment(
        None,
        "p7",
        Refusal(
            Status.REFUSED_CROSS_SPLIT,
            "its sources are drawn into different splits: test (p7) and train (p9)",
        ),
    )


def test_keys_of_split_by_stay_where_a_kept_video_has_them():
    videos = [video("7", split_by=("p7",)), video("7 again", split_by=("p7",))]
    assert splits_kept(assign(videos, kept={"7": "eval"})) == {"7": "eval", "7 again": "eval"}


def test_chance_of_a_split_that_is_not_allowed_falls_to_train():
    # p6 is drawn into eval by the 0.725th part of the range and p7 into test: see above.
    for source, open_to_all, training_side in [("p6", "eval", "train"), ("p7", "test", "eval")]:
        assert assign([video("v", source)])["v"].split == open_to_all
        allowed = video("v", source, splits_allowed=("train", "eval"))
        assert assign([allowed])["v"].split == training_side
    many = [video(f"v{i}", f"p{i}", splits_allowed=("train", "eval")) for i in range(4000)]
    counts = collections.Counter(a.split for a in assign(many).values())
    assert set(counts) == {"train", "eval"}
    assert counts["eval"] / 4000 == pytest.approx(0.15, abs=0.03)


def test_group_goes_where_all_its_members_may_go():
    videos = [
        video("a", "p7", splits_allowed=("train", "eval")),
        video("b", "p7", splits_allowed=("eval", "test")),
    ]
    assert splits_kept(assign(videos)) == {"a": "eval", "b": "eval"}


@pytest.mark.parametrize(
    ("fractions", "drawn"),
    [
        ((1.0, 0.0, 0.0), {"train"}),
        ((0.0, 0.0, 1.0), {"test"}),
        ((0.5, 0.5, 0.0), {"train", "eval"}),
        # Fractions that add up to less than 1, if only by rounding, leave a rest.
        ((0.5, 0.4, 0.0), {"train", "eval"}),
    ],
)
def test_draw_never_draws_what_has_no_chance(fractions, drawn):
    assert {draw_split(str(i), fractions) for i in range(100)} == drawn


def test_unknown_split_of_a_kept_video():
    with pytest.raises(ValueError, match="a: unknown split 'val'"):
        assign([video("a")], kept={"a": "val"})


def test_video_that_its_reader_refused_stays_refused_and_joins_nothing():
    videos = [
        video("a", "a", split="train"),
        video("b", "b", split="test"),
        video("a_b", "a", "b", fake=True, refused=UNLISTED),
    ]
    assert assign(videos) == {
        "a": Assignment("train", "a"),
        "b": Assignment("test", "b"),
        "a_b": Assignment(None, "a", UNLISTED),
    }


@pytest.mark.parametrize(
    ("videos", "fractions", "message"),
    [
        ([video("a"), video("a")], (0.7, 0.15, 0.15), "more than one video: a"),
        ([video("a", split="val")], (0.7, 0.15, 0.15), "a: unknown split 'val'"),
        ([], (0.7, 0.2, 0.2), "must add up to 1"),
        ([], (1.2, -0.1, -0.1), "must not be negative"),
        (
            [video("a", splits_allowed=("train", "val"))],
            (0.7, 0.15, 0.15),
            "a: unknown split 'val'",
        ),
        (
            [video("a", split_by=("b",), split="test")],
            (0.7, 0.15, 0.15),
            "a: split_by excludes split and splits_allowed",
        ),
        (
            [video("a", split_by=("b",), splits_allowed=("train",))],
            (0.7, 0.15, 0.15),
            "a: split_by excludes split and splits_allowed",
        ),
    ],
)
def test_wrong_input(videos, fractions, message):
    with pytest.raises(ValueError, match=message):
        assign(videos, fractions=fractions)


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
    assert check_leakage(rows, reals_suffice=["test"]) == ["split eval is empty"]
    fakes = [row for row in clean_rows() if row[0] != "test/0"]
    problem = "split test holds only fake videos: test/1"
    assert check_leakage(fakes, reals_suffice=["test"]) == [problem]
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
