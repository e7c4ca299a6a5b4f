"""What is kept of a video whose length nobody knows."""

import dataclasses

import numpy as np
import pytest

from data.contract import Measurements
from data.detectors import Face
from data.faces.collector import THINNING, FaceCollector
from data.faces.types import FaceOptions
from data.ledger import Status
from data.video.reader import Frame

NOISE = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 3), np.uint8)
"""Three people, who look unlike each other."""
NOISE = NOISE * np.array([[1, 0.2, 0.2], [0.2, 1, 0.2], [0.2, 0.2, 1]])[:, None, None]
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
    for person, seen in [(0, 6), (1, 3), (2, 5), (1, 9), (0, 1)]:
        for _ in range(seen):
            collector.add(frame_of(person, number), [FACE])
            number += 1
        for _ in range(5):  # out of view, which ends the track
            collector.add(NOBODY, [])
            number += 1
    # The last person, who came when the nine faces before were the most, and those.
    assert collector.faces_held == 9 + 1
    outcome = collector.result(measured(number))
    assert (outcome.tracks_kept, outcome.tracks_left_out, outcome.usable_counts) == (1, 4, (9,))
    assert {face.track for face in outcome.faces} == {0}
    assert len(outcome.faces) == 9
    assert len(outcome.times_s) == number
