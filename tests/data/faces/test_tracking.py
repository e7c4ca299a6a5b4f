import numpy as np
import pytest

from data.faces.tracking import (
    MAX_COST,
    MAX_DESCRIPTORS,
    MAX_GAP,
    Tracker,
)

SIZE = 10.0


def assign_tracks(boxes, descriptors):
    """For each frame the tracks of its faces."""
    tracker = Tracker()
    return [tracker.update(*frame) for frame in zip(boxes, descriptors, strict=True)]


def box(x, size=SIZE):
    return [x, 0.0, x + size, size]


# Descriptors: two people are further apart than any track allows; the twin of `a` is not.
PEOPLE = {
    "a": np.array([0.0, 0.0, 0.0]),
    "twin": np.array([0.0, 0.05, 0.0]),
    "b": np.array([2 * MAX_COST, 0.0, 0.0]),
    "c": np.array([0.0, 2 * MAX_COST, 0.0]),
}


def tracks(*frames):
    """Tracks of frames that list who is where: (person, x) or (person, x, size)."""
    return assign_tracks(
        [np.array([box(*place) for _, *place in frame], np.float32) for frame in frames],
        [np.array([PEOPLE[who] for who, *_ in frame], np.float32) for frame in frames],
    )


def people_of_tracks(frames, numbers):
    people = {}
    for frame, assigned in zip(frames, numbers, strict=True):
        for (who, *_), track in zip(frame, assigned, strict=True):
            people.setdefault(track, []).append(who)
    return people


def test_one_person_who_moves_is_one_track():
    assert tracks(*([("a", 8 * i)] for i in range(6))) == [[0]] * 6


def test_two_people_stay_apart_whatever_the_order_of_detection():
    first, second = ("a", 0), ("b", 100)
    assert tracks([first, second], [second, first], [first, second]) == [[0, 1], [1, 0], [0, 1]]


def test_a_track_survives_a_short_miss_and_no_long_one():
    short = tracks([("a", 0)], *([] for _ in range(MAX_GAP)), [("a", 0)])
    assert (short[0], short[-1]) == ([0], [0])
    long = tracks([("a", 0)], *([] for _ in range(MAX_GAP + 1)), [("a", 0)])
    assert (long[0], long[-1]) == ([0], [1])


def test_tracks_are_numbered_as_they_appear():
    assert tracks([("b", 50), ("a", 0)], [("a", 0), ("b", 50), ("c", 90)]) == [[0, 1], [1, 0, 2]]


def test_a_track_is_open_until_it_was_missed_too_often():
    tracker = Tracker()
    face = np.array([box(0)], np.float32), np.array([PEOPLE["a"]], np.float32)
    nobody = np.zeros((0, 4), np.float32), np.zeros((0, 3), np.float32)
    tracker.update(*face)
    for _ in range(MAX_GAP + 1):
        assert tracker.open_tracks == {0}
        tracker.update(*nobody)
    tracker.update(*nobody)
    assert tracker.open_tracks == set()


def test_no_faces_no_tracks():
    assert tracks([], []) == [[], []]
    assert tracks() == []


CROSSING = [[("a", 20 * i), ("b", 160 - 20 * i)] for i in range(9)]


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        pytest.param(CROSSING, 2, id="two cross and both are seen"),
        pytest.param(
            [frame[:1] if 3 <= i <= 5 else frame for i, frame in enumerate(CROSSING)],
            2,
            id="two cross and one hides the other",
        ),
        pytest.param(
            [[] if 3 <= i <= 5 else frame for i, frame in enumerate(CROSSING)],
            2,
            id="two cross and nobody is seen",
        ),
        pytest.param(
            [[("a", 0), ("b", 15)]] * 3 + [[("b", 0), ("a", 15)]] * 3,
            2,
            id="two change places between two frames",
        ),
        pytest.param([[("a", 0)]] * 4 + [[("b", 0)]] * 4, 2, id="a cut to another in the place"),
        pytest.param(
            [[("a", 0)], [("b", 0)]] * 4, 2, id="cuts to and fro between two in one place"
        ),
        pytest.param(
            [[("a", 0)]] * 3 + [[]] * 2 + [[("b", 0)]] * 3, 2, id="another comes after a miss"
        ),
        pytest.param(
            [[("a", 0, 10)]] * 3 + [[("a", 300, 40)]] * 3, 1, id="a cut to a close-up of the same"
        ),
        pytest.param(
            [[("a", 0), ("b", 20), ("c", 40)], [("c", 0), ("a", 20), ("b", 40)]] * 2,
            3,
            id="three change places",
        ),
    ],
)
def test_people_who_differ_are_told_apart_and_kept(frames, expected):
    tracked = people_of_tracks(frames, tracks(*frames))
    assert all(len(set(people)) == 1 for people in tracked.values())
    assert len(tracked) == expected


def test_people_who_look_alike_keep_their_tracks_while_they_stay_apart():
    assert tracks(*[[("a", 0), ("twin", 30)]] * 4) == [[0, 1]] * 4


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([[("a", 6 * i), ("twin", 48 - 6 * i)] for i in range(9)], id="both are seen"),
        pytest.param(
            [
                [("a", 6 * i)] if 3 <= i <= 5 else [("a", 6 * i), ("twin", 48 - 6 * i)]
                for i in range(9)
            ],
            id="one hides the other",
        ),
    ],
)
def test_where_people_who_look_alike_meet_their_tracks_end(frames):
    numbers = tracks(*frames)
    assert all(len(set(people)) == 1 for people in people_of_tracks(frames, numbers).values())
    # What began before they met does not go on after.
    assert not set(numbers[0]) & set(numbers[-1])


def test_a_face_goes_to_the_track_whose_course_leads_there():
    # Where it comes back it is more than its width from where either was seen last.
    seen = [[("a", 6 * i), ("twin", -12)] for i in range(3)]
    assert tracks(*seen, [], [("a", 24)]) == [[0, 1]] * 3 + [[], [0]]
    assert tracks(*seen, [], [("a", -36)])[-1] == [2]


@pytest.mark.parametrize(
    ("unlike", "misses", "x", "size", "goes_on"),
    [
        pytest.param(0.33, 0, 0, 10, True, id="a little unlike, in its place"),
        pytest.param(0.33, 2, 0, 10, False, id="a little unlike and missed"),
        pytest.param(0.30, 0, 0, 20, False, id="a little unlike and twice as large"),
        pytest.param(0.30, 0, 8, 10, False, id="a little unlike and beside its place"),
        pytest.param(0.20, 2, 8, 20, True, id="quite alike, missed, larger and beside its place"),
        pytest.param(0.24, 0, 300, 10, True, id="quite alike and anywhere"),
        pytest.param(0.38, 0, 0, 10, False, id="unlike, in its place"),
    ],
)
def test_all_that_differs_counts_against_a_match(unlike, misses, x, size, goes_on):
    middle = (SIZE - size) / 2  # about the same centre
    boxes = [[box(0)], *[[]] * misses, [[x + middle, middle, x + middle + size, middle + size]]]
    descriptors = [[[0.0, 0.0]], *[[]] * misses, [[unlike, 0.0]]]
    numbers = assign_tracks(
        [np.array(frame, np.float32) for frame in boxes],
        [np.array(frame, np.float32) for frame in descriptors],
    )
    assert numbers[-1] == [0 if goes_on else 1]


def test_new_tracks_last_where_doubtful_ones_ended():
    apart = [("a", 0), ("twin", 30)]
    numbers = tracks(*[apart] * 3, [("a", 14)], *[apart] * 3)
    assert numbers == [[0, 1]] * 3 + [[2]] + [[3, 4]] * 3


def test_a_track_beyond_doubt_goes_on_beside_a_doubtful_face():
    boxes = [[box(0), box(10)], [box(0), box(5)], [box(0)]]
    descriptors = [[0.0, 0.55], [0.0, 0.28], [0.0]]
    numbers = assign_tracks(
        [np.array(frame, np.float32) for frame in boxes],
        [np.array(frame, np.float32)[:, None] for frame in descriptors],
    )
    assert numbers == [[0, 1], [0, 2], [0]]


def test_who_turns_away_and_back_is_known_again():
    gallery = [np.array([[0.3 * i, 0.0]], np.float32) for i in range(4)]
    descriptors = [*gallery, gallery[0]]
    boxes = [np.array([box(0)], np.float32)] * len(descriptors)
    assert assign_tracks(boxes, descriptors) == [[0]] * 5
    # The first descriptor is forgotten when more than MAX_DESCRIPTORS others have come.
    descriptors = [*gallery, *gallery[-1:] * MAX_DESCRIPTORS, gallery[0]]
    boxes = [np.array([box(0)], np.float32)] * len(descriptors)
    assert assign_tracks(boxes, descriptors)[-1] == [1]


def test_a_box_without_area_is_a_face_like_others():
    boxes = [np.array([[5, 5, 5, 5]], np.float32)] * 2
    assert assign_tracks(boxes, [np.zeros((1, 2), np.float32)] * 2) == [[0], [0]]
