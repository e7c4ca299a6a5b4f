"""Spans without a score, and where the plot lies; `test_timeline.py` looks at the whole picture."""

import numpy as np
import pytest

from serving.visualization.timeline_plot import plot, unscored_spans
from tests.serving.answers import answer, track

TIMES = (0.25, 0.75, 1.25, 1.75)
SEEN = dict.fromkeys(TIMES, 0.9)


@pytest.mark.parametrize(
    ("people", "spans"),
    [
        pytest.param([SEEN], [], id="always in view"),
        pytest.param([], [(0, 2.0)], id="nobody"),
        pytest.param([{0.25: 0.9, 1.75: 0.9}], [(0.5, 1.5)], id="a gap"),
        pytest.param([{0.25: 0.9}, {1.75: 0.1}], [(0.5, 1.5)], id="a gap of two"),
        pytest.param([{0.25: 0.9, 0.75: 0.9}, {1.25: 0.1}], [(1.5, 2.0)], id="one after another"),
    ],
)
def test_times_without_a_scored_face(people, spans):
    prediction = answer(*map(track, people), times_s=TIMES)
    assert list(unscored_spans(prediction)) == spans


def test_axes_and_markers_lie_where_they_are_wanted():
    prediction = answer(track(SEEN), track(SEEN), times_s=TIMES)
    image = np.asarray(plot(prediction, None, (400, 200), (60, 20, 300, 160), {1: (350, 50)}))
    assert image.shape == (200, 400, 3)
    ink = (image != 255).any(axis=-1)
    assert ink[46:54, 346:354].any()
    assert not ink[:, 360:].any()
    assert not ink[:10].any()
    axis = ink[20:160, 58:62].all(axis=0)
    assert axis.any()
