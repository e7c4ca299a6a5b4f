"""What is kept of a video whose length nobody knows."""

import dataclasses

import numpy as np
import pytest

from data.contract import Measurements
from data.detectors import MAX_FACES, Face
from data.faces.collector import MAX_UNJUDGED, THINNING, FaceCollector
from data.faces.types import FaceOptions
from data.ledger import Status
from data.unjudged import Unjudged
from data.video.reader import Frame

NOISE = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 3), np.uint8)
"""Four people, who look unlike each other."""
COLOURS = [[1, 0.2, 0.2], [0.2, 1, 0.2], [0.2, 0.2, 1], [1, 1, 0.2]]
NOISE = NOISE * np.array(COLOURS)[:, None, None]
OPTIONS = FaceOptions(min_face_size=10, min_track_share=0.0, max_tracks=1)


def measured(frames):
    return Measurements(64, 64, frames, 25.0, frames / 25, 1000.0, frames, frames)


def frame_of(person, number):
    image = np.zeros((64, 64, 3), np.uint8)
    image[8:56, 8:56] = NOISE[person]
    return Frame(number / 25, image)


FACE = Face(np.array([14, 14, 50, 50], np.float32), np.zeros(10, np.float32), 0.99)
NOBODY = Frame(0.0, np.zeros((64, 64, 3), np.uint8))


@pytest.mark.parametrize("frames", [1, 7, 8, 9, 100, 1000])
def test_of_a_long_track_evenly_spread_faces_are_kept(frames):
    collector = FaceCollector(OPTIONS, faces_per_track=2)
    for number in range(frames):
        collector.add(frame_of(0, number), [FACE])
        assert collector.faces_held <= 2 * THINNING
    outcome = collector.result(measured(frames))
    assert (outcome.status, outcome.usable_counts) == (Status.OK, (frames,))
    numbers = [round(25 * face.time_s) for face in outcome.faces]
    assert len(numbers) >= min(frames, THINNING)
    steps = set(np.diff(numbers))
    assert len(steps) <= 1  # all equally far apart
    assert numbers[0] == 0
    assert frames - numbers[-1] <= max(steps, default=1)


def test_without_a_limit_every_face_is_kept():
    collector = FaceCollector(dataclasses.replace(OPTIONS, min_sharpness=1e9))
    for number in range(30):
        collector.add(frame_of(0, number), [FACE])
    assert collector.faces_held == 30
    outcome = collector.result(measured(30))
    assert (outcome.status, outcome.faces) == (Status.TOO_BLURRED, ())


def test_only_tracks_that_can_still_be_chosen_are_kept():
    collector = FaceCollector(OPTIONS, faces_per_track=4)
    number = 0
    for person, seen in [(0, 6), (1, 3), (2, 5), (3, 9), (0, 1)]:
        for _ in range(seen):
            collector.add(frame_of(person, number), [FACE])
            number += 1
        for _ in range(5):  # out of view, which ends the track
            collector.add(NOBODY, [])
            number += 1
    # The last person, who came when the nine faces before were the most, and those.
    assert collector.faces_held == 9 + 1
    outcome = collector.result(measured(number))
    assert (outcome.tracks_kept, outcome.tracks_left_out, outcome.usable_counts) == (1, 3, (9,))
    assert outcome.unjudged_counts == {Unjudged.BEYOND_LIMIT: 3}
    assert {face.track for face in outcome.faces} == {0}
    assert len(outcome.faces) == 9
    assert len(outcome.times_s) == number


def seen_at(size, frames, collector, person=0, start=0):
    """Adds frames with a face of some size, and then enough without one to end the track."""
    for number in range(frames):
        box = np.array([14, 14, 14 + size, 14 + size], np.float32)
        collector.add(frame_of(person, start + number), [Face(box, np.zeros(10, np.float32), 0.99)])
    for _ in range(5):
        collector.add(NOBODY, [])
    return start + frames + 5


def test_tracks_are_kept_that_are_seen_longest_and_largest():
    collector = FaceCollector(OPTIONS, faces_per_track=4)
    number = seen_at(12, 5, collector, person=0)
    number = seen_at(36, 3, collector, person=1, start=number)
    outcome = collector.result(measured(number))
    assert outcome.usable_counts == (3,)
    assert {face.box[2] - face.box[0] for face in outcome.faces} == {36.0}


def test_the_reason_why_a_track_is_not_judged_is_the_first_that_applies():
    options = dataclasses.replace(OPTIONS, min_track_share=0.1, min_face_size=20)
    collector = FaceCollector(options)
    number = seen_at(36, 9, collector)
    number = seen_at(30, 9, collector, person=1, start=number)
    number = seen_at(10, 9, collector, person=2, start=number)
    number = seen_at(28, 1, collector, person=3, start=number)
    grey = Frame(number / 25, np.full((64, 64, 3), 90, np.uint8))
    collector.add(grey, [FACE])
    outcome = collector.result(measured(number + 1))
    assert [(track.reason, track.face_size, track.faces_seen) for track in outcome.unjudged] == [
        (Unjudged.TOO_BLURRED, 36.0, 1),
        (Unjudged.BEYOND_LIMIT, 30.0, 9),
        (Unjudged.TOO_BRIEF, 28.0, 1),
        (Unjudged.TOO_SMALL, 10.0, 9),
    ]
    assert outcome.unjudged_counts == dict.fromkeys(Unjudged, 1)


def crowd(rows):
    """A frame of rows of 20 small faces, every second row of larger ones."""
    boxes = [
        [30 * column, 30 * row, 30 * column + size, 30 * row + size]
        for row in range(rows)
        for column in range(20)
        for size in [12 + 10 * (row % 2)]
    ]
    faces = [Face(np.array(box, np.float32), np.zeros(10, np.float32), 0.99) for box in boxes]
    return np.tile(NOISE[1], (rows, 20, 1))[: 30 * rows, :600].astype(np.uint8), faces


def test_of_many_tracks_the_largest_are_described_and_all_are_counted():
    collector = FaceCollector(OPTIONS, faces_per_track=2)
    number = seen_at(36, 3, collector)
    image, faces = crowd(2 * MAX_UNJUDGED // 20)
    collector.add(Frame(number / 25, image), faces)
    number = seen_at(36, 3, collector, start=number + 1)
    number = seen_at(36, 3, collector, person=3, start=number)
    outcome = collector.result(measured(number))
    assert outcome.usable_counts == (6,)
    assert outcome.tracks_left_out == 2 * MAX_UNJUDGED + 1
    assert {track.face_size for track in outcome.unjudged} == {36.0, 22.0}
    assert len(outcome.unjudged) == MAX_UNJUDGED


def test_one_who_comes_and_goes_stays_one_track():
    collector = FaceCollector(OPTIONS, faces_per_track=2)
    number = 0
    for _ in range(30):
        number = seen_at(30, 4, collector, person=1, start=number)
        number = seen_at(36, 3, collector, person=2, start=number)
        assert collector.faces_held <= (2 + 1) * 2 * THINNING
    outcome = collector.result(measured(number))
    assert outcome.usable_counts == (30 * 4,)
    assert outcome.unjudged_counts == {Unjudged.BEYOND_LIMIT: 1}
    assert outcome.unjudged[0].faces_seen == 30 * 3
    times = [face.time_s for face in outcome.faces]
    assert times == sorted(times)
    assert times[0] < 0.1 * number / 25 < 0.9 * number / 25 < times[-1] + 1


def test_the_joined_track_holds_all_its_faces_and_two_in_one_frame_are_never_one():
    collector = FaceCollector(dataclasses.replace(OPTIONS, max_tracks=4))
    number = seen_at(36, 5, collector)
    number = seen_at(36, 3, collector, person=1, start=number)
    number = seen_at(30, 4, collector, start=number)
    twin = np.tile(NOISE[2], (1, 3, 1)).astype(np.uint8)
    sides = [Face(np.array([x, 6, x + 36, 42], np.float32), FACE.landmarks, 0.99) for x in (6, 102)]
    for _ in range(4):
        collector.add(Frame(number / 25, twin), sides)
        number += 1
    outcome = collector.result(measured(number))
    assert outcome.usable_counts == (9, 4, 4, 3)
    assert [face.time_s for face in outcome.faces if face.track == 0] == [
        i / 25 for i in [*range(5), *range(18, 22)]
    ]
    assert {face.box[0] for face in outcome.faces if face.track == 1} in ({6.0}, {102.0})


def test_of_a_long_track_evenly_spread_boxes_are_described():
    collector = FaceCollector(dataclasses.replace(OPTIONS, min_face_size=50))
    number = seen_at(36, 1000, collector)
    (track,) = collector.result(measured(number)).unjudged
    assert (track.faces_seen, track.times_s[0]) == (1000, 0.0)
    assert 32 <= len(track.boxes) == len(track.times_s) <= 64
    assert len(set(np.diff(np.round(25 * np.array(track.times_s))))) == 1


@pytest.mark.parametrize("faces", [MAX_FACES - 1, MAX_FACES])
def test_a_frame_full_of_faces_may_have_others(faces):
    collector = FaceCollector(OPTIONS)
    collector.add(frame_of(0, 0), [FACE])
    collector.add(frame_of(0, 1), [FACE] * faces)
    assert collector.result(measured(2)).crowded == (faces == MAX_FACES)
