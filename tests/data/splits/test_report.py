import pytest

from data.datasets import UNKNOWN_LABEL, Listing, Refusal, SourceVideo
from data.ledger import Status
from data.splits.assignment import assign
from data.splits.balance import leave_out_fakes
from data.splits.report import Dropped, Overlap, SplitCount, audit
from tests.data.source_videos import video


def audit_of(*videos, notes=()):
    return audit([Listing(videos, notes)], assign(videos))


def test_counts_by_split():
    report = audit_of(
        video("a", "a", split="train", identities=("ann",)),
        video("a_b", "a", "b", fake=True, original="a", identities=("ann", "bob")),
        video("c_b", "b", fake=True, original="c", split="train"),
        video("c", "c", split="test", identities=("carl",)),
        video("d_a", "d", fake=True, split="test"),
    )
    assert list(report.datasets) == ["demo"]
    splits = report.datasets["demo"].splits
    assert list(splits) == ["train", "eval", "test"]
    assert splits == {
        "train": SplitCount(
            videos=3,
            reals=1,
            fakes=2,
            groups=1,
            identities=2,
            identified=2,
            with_known_original=2,
            without_original=1,
        ),
        "eval": SplitCount(),
        "test": SplitCount(videos=2, reals=1, fakes=1, groups=2, identities=1, identified=1),
    }
    assert report.datasets["demo"].out == SplitCount()
    assert report.datasets["demo"].dropped == ()


def test_datasets_are_counted_apart_and_notes_said_once():
    one = video("one/a", dataset="one", split="train")
    two = video("two/a", dataset="two", fake=True, split="train")
    report = audit(
        [Listing((two,), ("two hides its actors.", "as one")), Listing((one,), ("as one",))],
        assign([one, two]),
    )
    assert list(report.datasets) == ["one", "two"]
    assert report.datasets["one"].splits["train"].reals == 1
    assert report.datasets["two"].splits["train"].fakes == 1
    assert report.notes == ("two hides its actors.", "as one")


def test_dropped_videos_are_counted_by_status_and_kind_of_reason():
    def refused(name, status, reason):
        return video(name, refused=Refusal(status, reason), fake=True)

    videos = (
        refused("b", Status.REFUSED_INPUT, "in no official list: 007"),
        refused("a", Status.REFUSED_INPUT, "in no official list: 001, 002"),
        refused("c", Status.DUPLICATE, "listed twice"),
        SourceVideo(
            *("d", "d", UNKNOWN_LABEL, "demo", "unknown", "", ()),
            refused=Refusal(Status.REFUSED_INPUT, "unknown label: PERHAPS"),
        ),
        video("real", "r", split="test"),
        *(video(f"fake{i}", "r", fake=True) for i in range(4)),
    )
    report = audit([Listing(videos)], leave_out_fakes(videos, assign(videos)))
    dropped = report.datasets["demo"].dropped
    assert [(one.status, one.reason, len(one.video_ids)) for one in dropped] == [
        (
            Status.REFUSED_BALANCE,
            "left out by chance so that fakes do not outnumber reals",
            3,
        ),
        (Status.REFUSED_INPUT, "in no official list", 2),
        (Status.DUPLICATE, "listed twice", 1),
        (Status.REFUSED_INPUT, "unknown label", 1),
    ]
    assert dropped[1] == Dropped(Status.REFUSED_INPUT, "in no official list", ("a", "b"))
    out = report.datasets["demo"].out
    assert (out.videos, out.reals, out.fakes) == (7, 0, 6)


def test_people_in_two_splits():
    report = audit_of(
        video("a", split="train", identities=("ann", "zoe")),
        video("b", split="eval", identities=("bob",)),
        video("c", split="test", identities=("zoe", "ann", "bob", "carl")),
        video(
            "d",
            identities=("carl",),
            refused=Refusal(Status.REFUSED_INPUT, "in no list"),
        ),
    )
    assert report.datasets["demo"].overlaps == (
        Overlap(("train", "test"), ("ann", "zoe")),
        Overlap(("eval", "test"), ("bob",)),
    )


@pytest.mark.parametrize(
    ("left_out", "problems"),
    [
        ((), ()),
        (("train real", "train fake"), ("split train is empty",)),
        (("eval real",), ("split eval holds only fake videos: eval fake",)),
    ],
)
def test_problems_are_what_the_pipeline_would_stop_for(left_out, problems):
    videos = [
        video(f"{split} {label}", split, split=split, fake=label == "fake")
        for split in ("train", "eval", "test")
        for label in ("real", "fake")
    ]
    assert audit_of(*(one for one in videos if one.video_id not in left_out)).problems == problems
