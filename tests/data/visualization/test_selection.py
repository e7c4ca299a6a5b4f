import itertools

import numpy as np
import pytest

from data import contract
from data.ledger import LedgerRow, Status
from data.visualization import selection


def row(video_id, label, status=Status.OK, split="train", used=False):
    return LedgerRow(video_id, f"/clips/{video_id}", label, status, split=split, used=used)


def faces(*lengths):
    """As many faces in each track, 0.1 s apart."""
    return [
        contract.FaceCrop(
            b"", track, 0.1 * number, (0.0,) * 4, (0.0,) * 10, 0.99, 100.0, 100.0, True
        )
        for track, length in enumerate(lengths)
        for number in range(length)
    ]


def many(count=600):
    rows = []
    for number in range(count):
        method = number % 6  # 0 is real
        folder = f"ff/m{method}/c{number // 6 % 3}" if method else f"ff/real/c{number // 6 % 3}"
        split = ("train", "train", "eval", "test")[number // 18 % 4]
        rows.append(row(f"{folder}/{number}.mp4", int(method > 0), split=split, used=True))
    return rows


def test_the_choice_is_spread():
    rows = many()
    problems = [row(f"ff/m1/c0/x{i}.mp4", 1, Status.MISSING) for i in range(500)]
    rare = [row("ff/m2/c1/y.mp4", 1, Status.CRASHED), row("ff/real/c1/y.mp4", 0, Status.TIMEOUT)]
    chosen = selection.choose(rows + problems + rare, 30)
    assert len({each.video_id for each in chosen}) == 30
    shown = [each for each in chosen if each.used]
    assert len(shown) == 20, "two thirds"
    assert {each.split for each in shown} == {"train", "eval", "test"}
    folders = {each.video_id.rpartition("/")[0] for each in shown}
    assert len(folders) == 18, "every method in every compression"
    assert {each.status for each in chosen[20:]} == {
        Status.MISSING,
        Status.CRASHED,
        Status.TIMEOUT,
    }, "the rare ones are not lost among the many"


def test_the_choice_does_not_hang_on_the_order_of_rows():
    rows = many()
    assert selection.choose(rows, 24) == selection.choose(rows[::-1], 24)


@pytest.mark.parametrize(
    ("used_count", "left_out_count", "count", "expected"),
    [
        pytest.param(100, 100, 24, (16, 8), id="plenty"),
        pytest.param(100, 2, 24, (22, 2), id="few problems"),
        pytest.param(5, 100, 24, (5, 19), id="few used"),
        pytest.param(5, 3, 24, (5, 3), id="few of both"),
        pytest.param(0, 50, 24, (0, 24), id="none used"),
        pytest.param(100, 100, 1, (1, 0), id="one"),
    ],
)
def test_shares_of_used_and_left_out(used_count, left_out_count, count, expected):
    rows = many(used_count)
    rows += [row(f"x/{i}.mp4", 0, Status.MISSING) for i in range(left_out_count)]
    chosen = selection.choose(rows, count)
    assert (sum(each.used for each in chosen), sum(not each.used for each in chosen)) == expected


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        pytest.param([32], [8], id="one track"),
        pytest.param([3], [3], id="few faces"),
        pytest.param([30, 10], [6, 2], id="by length"),
        pytest.param([32, 1], [7, 1], id="every track is seen"),
        pytest.param([4, 4, 4, 4], [2, 2, 2, 2], id="equal"),
        pytest.param([2, 1, 1], [2, 1, 1], id="all of them"),
        pytest.param([9] * 12, [1] * 8, id="more tracks than places"),
    ],
)
def test_faces_by_track(lengths, expected):
    chosen = selection.choose_faces(faces(*lengths), 8)
    groups = [list(group) for _, group in itertools.groupby(chosen, key=lambda face: face.track)]
    assert [len(group) for group in groups] == expected
    assert [group[0].track for group in groups] == list(range(len(groups)))


def test_faces_are_even_in_time():
    times = [face.time_s for face in selection.choose_faces(faces(32), 8)]
    np.testing.assert_allclose(np.diff(times), 0.4)
    assert times[0] == pytest.approx(3.1 - times[-1], abs=0.1), "as far from the end as the start"
