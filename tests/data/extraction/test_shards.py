"""Copies of one file may not tie two splits together, whatever their groups say."""

import pytest

from data.extraction.shards import Extracted, resolve_copies
from data.ledger import LedgerRow, Status


def video(name, split, group, content, *, label=0, used=True, is_kept=False):
    row = LedgerRow(
        video_id=name,
        path=name,
        label=label,
        status=Status.OK if used else Status.NO_FACE,
        sha256=content,
        split=split,
        used=used,
    )
    return Extracted(name, row, annotation=None, sources=tuple(group.split()), is_kept=is_kept)


def deduplicate(*videos):
    return {v.row.video_id: (v.row.status, v.row.used) for v in resolve_copies(list(videos))}


def test_of_copies_in_one_split_the_first_is_used():
    assert deduplicate(video("b", "train", "g2", "x"), video("a", "train", "g1", "x")) == {
        "a": (Status.OK, True),
        "b": (Status.DUPLICATE, False),
    }


@pytest.mark.parametrize("used", [True, False])
def test_a_copy_in_another_split_takes_out_what_shares_its_source(used):
    # The fake of `b` shows what `a` shows, and `a` is in train, also if no face was found in it.
    resolved = deduplicate(
        video("a", "train", "g1", "x", used=used),
        video("b", "test", "g2", "x", used=used),
        video("fake-of-b", "test", "g2 g3", "y", label=1),
        video("other", "test", "g3", "z"),
        video("elsewhere", "train", "g2", "v"),
    )
    assert resolved["a"][1] is used
    assert resolved["b"] == (Status.REFUSED_CROSS_SPLIT, False)
    assert resolved["fake-of-b"] == (Status.REFUSED_CROSS_SPLIT, False)
    assert resolved["other"] == (Status.OK, True), "it shows nothing of what `b` shows"
    assert resolved["elsewhere"] == (Status.OK, True)


def test_what_an_earlier_result_holds_stays_and_its_new_copy_goes():
    assert deduplicate(
        video("a", "test", "g1", "x"),
        video("b", "train", "g2", "x", is_kept=True),
        video("fake-of-b", "train", "g2", "y", label=1, is_kept=True),
    ) == {
        "a": (Status.REFUSED_CROSS_SPLIT, False),
        "b": (Status.OK, True),
        "fake-of-b": (Status.OK, True),
    }


def test_a_copy_is_used_where_the_first_one_failed():
    resolved = deduplicate(
        video("a", "train", "g1", "x", used=False), video("b", "train", "g2", "x")
    )
    assert resolved == {"a": (Status.NO_FACE, False), "b": (Status.OK, True)}


def test_the_reason_names_both_files():
    refused = resolve_copies([video("a", "train", "g1", "x"), video("b", "test", "g2", "x")])[1]
    assert refused.row.reason == "b is the same file as a, which is in train"


def test_copies_under_both_labels_are_both_left_out():
    assert deduplicate(video("a", "train", "g", "x"), video("b", "train", "g", "x", label=1)) == {
        "a": (Status.DUPLICATE, False),
        "b": (Status.DUPLICATE, False),
    }


def test_files_that_could_not_be_hashed_are_no_copies_of_each_other():
    missing = [video(name, "train", name, "", used=False) for name in "ab"]
    assert [v.row.status for v in resolve_copies(missing)] == [Status.NO_FACE] * 2
