import numpy as np
import pytest

from data.tracking import MAX_GAP, assign_tracks, evenly_spread, intersection_over_union


def box(x, size=10.0):
    return [x, 0.0, x + size, size]


def frames(*rows):
    return [np.array(row, np.float32).reshape(-1, 4) for row in rows]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param([0, 0, 10, 10], [0, 0, 10, 10], 1.0, id="same"),
        pytest.param([0, 0, 10, 10], [10, 0, 20, 10], 0.0, id="touching"),
        pytest.param([0, 0, 10, 10], [5, 0, 15, 10], 1 / 3, id="half"),
        pytest.param([0, 0, 10, 10], [2, 2, 4, 4], 0.04, id="inside"),
        pytest.param([0, 0, 0, 0], [0, 0, 0, 0], 0.0, id="empty"),
    ],
)
def test_intersection_over_union(first, second, expected):
    overlap = intersection_over_union(np.array([first], np.float32), np.array([second], np.float32))
    assert overlap[0, 0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("count", "wanted", "expected"),
    [
        (3, 4, [0, 1, 2]),
        (4, 4, [0, 1, 2, 3]),
        (9, 5, [0, 2, 4, 6, 8]),
        (100, 2, [0, 99]),
        (5, 1, [0]),
        (0, 4, []),
    ],
)
def test_evenly_spread(count, wanted, expected):
    positions = evenly_spread(count, wanted)
    assert positions.tolist() == expected
    assert positions.dtype == np.int64


def test_one_person_who_moves_is_one_track():
    assert assign_tracks(frames(*([box(3 * i)] for i in range(6)))) == [[0]] * 6


def test_two_people_stay_apart_whatever_the_order_of_detection():
    first, second = box(0), box(100)
    numbers = assign_tracks(frames([first, second], [second, first], [first, second]))
    assert numbers == [[0, 1], [1, 0], [0, 1]]


def test_a_track_survives_a_short_miss_and_no_long_one():
    short = assign_tracks(frames([box(0)], *([] for _ in range(MAX_GAP)), [box(0)]))
    assert (short[0], short[-1]) == ([0], [0])
    long = assign_tracks(frames([box(0)], *([] for _ in range(MAX_GAP + 1)), [box(0)]))
    assert (long[0], long[-1]) == ([0], [1])


def test_the_longest_track_comes_first():
    numbers = assign_tracks(frames([box(0)], [box(0), box(100)], [box(100)], [box(100)]))
    assert numbers == [[1], [1, 0], [0], [0]]


def test_the_best_overall_match_wins_over_the_first_pair():
    # A greedy matcher takes the pair that overlaps most and leaves the other face alone.
    numbers = assign_tracks(frames([box(0), box(4)], [box(3), box(7)]))
    assert numbers == [[0, 1], [0, 1]]


def test_no_faces_no_tracks():
    assert assign_tracks(frames([], [])) == [[], []]
    assert assign_tracks([]) == []
