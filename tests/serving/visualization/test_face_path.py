import pytest

from serving.visualization.face_path import MAX_HOLD_S, MAX_INTERPOLATION_S, FacePath
from tests.serving.answers import track

TIMES = (0.25, 0.75, 1.25, 1.75)


def moving(times_s, **more):
    """A face that moves 100 pixels a second."""
    import dataclasses

    still = track({time_s: time_s / 10 for time_s in times_s}, **more)
    frames = tuple(
        dataclasses.replace(f, box=(100 * f.time_s, 0.0, 100 * f.time_s + 10, 10.0))
        for f in still.frames
    )
    return dataclasses.replace(still, frames=frames)


@pytest.mark.parametrize(
    ("seen", "time_s", "left"),
    [
        pytest.param(TIMES, 0.75, 75, id="at a detection"),
        pytest.param(TIMES, 0.85, 85, id="interpolated between two"),
        pytest.param(TIMES, 0.0, 25, id="held before the first"),
        pytest.param(TIMES, 1.99, 175, id="held after the last"),
        pytest.param(TIMES, 2.01, None, id="and no longer than half a step"),
        pytest.param((0.25, 1.25), 0.4, 25, id="held before a gap"),
        pytest.param((0.25, 1.25), 0.75, None, id="looked for and not found"),
        pytest.param((0.25, 1.25), 1.1, 125, id="held after a gap"),
    ],
)
def test_where_a_face_is(seen, time_s, left):
    position = FacePath(moving(seen), TIMES).at(time_s)
    assert (position and position.box[0]) == (left and pytest.approx(left))


def test_scores_are_the_nearest_faces_and_not_mixed():
    path = FacePath(moving(TIMES), TIMES)
    assert path.at(0.9).nearest.time_s == 0.75
    assert path.at(1.1).nearest.time_s == 1.25


def test_of_a_long_track_the_faces_that_were_not_scored_are_no_gaps():
    times = [0.1 * i for i in range(9)]
    scored = moving(times[::2], faces_seen=9)
    assert FacePath(scored, times).at(0.1) is not None
    assert FacePath(moving(times[::2], faces_seen=5), times).at(0.1) is None


def test_no_box_is_interpolated_over_a_long_time_without_samples():
    far = (0.0, MAX_INTERPOLATION_S + 1)
    path = FacePath(moving(far), far)
    assert path.at(MAX_HOLD_S - 0.01) is not None
    assert path.at(MAX_HOLD_S + 0.01) is None
    assert (
        FacePath(moving((0.0, MAX_INTERPOLATION_S)), (0.0, MAX_INTERPOLATION_S)).at(1.0) is not None
    )


def test_a_lone_frame_has_a_path():
    path = FacePath(moving((0.0,)), (0.0,))
    assert path.at(0.0).box[0] == 0
    assert path.at(MAX_HOLD_S + 0.01) is None


def test_a_path_is_cut_where_the_face_was_not_found():
    segments = FacePath(moving((0.25, 0.75, 1.75)), TIMES).segments()
    assert [[face.time_s for face in segment] for segment in segments] == [[0.25, 0.75], [1.75]]
