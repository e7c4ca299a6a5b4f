"""Tracks of one person join; those of two never do."""

import cv2
import numpy as np
import pytest
from skimage import data as skimage_data

from data.faces import joining
from data.faces.cropping import crop_face
from data.faces.descriptors import face_descriptor

A, B = "astronaut", "cat"
BOXES = {A: (182.0, 64.0, 265.0, 171.0), B: (120.0, 70.0, 250.0, 220.0)}


def summary(who, frame, *, light=1.0, scale=1.0, left=0.0):
    """A track of two frames of one face, drawn at another size, place and light."""
    picture = skimage_data.astronaut() if who == A else skimage_data.chelsea()
    scaled = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    image = np.clip(scaled * light, 0, 255).astype(np.uint8)
    box = tuple(scale * value for value in BOXES[who])
    descriptor = face_descriptor(crop_face(image, list(box)))
    moved = (box[0] + left, box[1], box[2] + left, box[3])
    return joining.TrackSummary(descriptor[None], frame, frame + 1, moved, moved)


@pytest.mark.parametrize(
    ("tracks", "groups"),
    [
        pytest.param([(A, 0), (A, 40)], [[0, 1]], id="a gap"),
        pytest.param([(A, 0), (B, 2), (A, 9), (B, 11)], [[0, 2], [1, 3]], id="cuts"),
        pytest.param([(A, 0), (B, 3)], [[0], [1]], id="one after another"),
    ],
)
def test_tracks_of_one_person_join(tracks, groups):
    costs = joining.pairwise_costs([summary(who, frame, light=0.97) for who, frame in tracks])
    assert joining.join_tracks(costs, np.zeros(costs.shape, bool)) == groups


def test_who_comes_back_elsewhere_larger_and_brighter_joins():
    costs = joining.pairwise_costs(
        [summary(A, 0), summary(A, 40, light=1.05, scale=1.4, left=200.0)]
    )
    assert joining.join_tracks(costs, np.zeros((2, 2), bool)) == [[0, 1]]


def test_the_place_counts_after_a_short_gap_only():
    first, soon, late = (summary(A, frame) for frame in (0, 1 + joining.SHORT_GAP, 99))
    away = summary(A, 5, left=500.0)
    costs = joining.pairwise_costs([first, soon, late, away])
    assert costs[0, 1] == pytest.approx(0.0, abs=1e-6)
    assert costs[0, 2] == pytest.approx(joining.POSITION_WEIGHT, abs=1e-6)
    assert costs[0, 3] == pytest.approx(joining.POSITION_WEIGHT, abs=1e-6)


def matrix(size, pairs):
    """A symmetric matrix of costs; pairs that are not named are far apart."""
    costs = np.full((size, size), 1.0)
    for (one, two), cost in pairs.items():
        costs[one, two] = costs[two, one] = cost
    return costs


@pytest.mark.parametrize(
    ("costs", "together", "groups"),
    [
        pytest.param(matrix(2, {(0, 1): 0.0}), [(0, 1)], [[0], [1]], id="twins in one frame"),
        pytest.param(
            matrix(3, {(0, 1): 0.05, (1, 2): 0.2, (0, 2): 0.2}),
            [(0, 2)],
            [[0, 1], [2]],
            id="a chain would bring a pair together that was seen together",
        ),
        pytest.param(
            matrix(3, {(0, 1): 0.1, (1, 2): 0.12}),
            [(0, 2)],
            [[0], [1], [2]],
            id="two of one frame match a third nearly as well",
        ),
        pytest.param(
            matrix(3, {(0, 1): 0.1, (1, 2): 0.11, (0, 2): 0.12}), [], [[0, 1, 2]], id="three alike"
        ),
        pytest.param(
            matrix(3, {(0, 1): 0.1, (1, 2): 0.2}), [], [[0, 1], [2]], id="a chain of the unlike"
        ),
        pytest.param(matrix(2, {(0, 1): 0.28}), [], [[0], [1]], id="not alike enough"),
        pytest.param(np.empty((0, 0)), [], [], id="nobody"),
    ],
)
def test_groups(costs, together, groups):
    seen = np.zeros(costs.shape, bool)
    for one, two in together:
        seen[one, two] = seen[two, one] = True
    assert joining.join_tracks(costs, seen) == groups
