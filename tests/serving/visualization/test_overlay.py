import numpy as np
import pytest

from data.ledger import Status
from data.unjudged import Unjudged, UnjudgedTrack
from serving.prediction import Verdict
from serving.visualization.overlay import Overlay, draw_box
from serving.visualization.verdict_style import STYLES, UNJUDGED_STYLE
from tests.serving.answers import BOX, answer, track


def grey(width=160, height=120):
    return np.full((height, width, 3), 128, np.uint8)


def test_the_face_itself_and_what_is_far_from_it_stay_as_they_are():
    image = grey(640, 480)
    drawn = Overlay(answer(track({0.0: 0.9})), 640, 480).draw(image, 0.0)
    left, top, right, bottom = (round(side) for side in BOX)
    changed = (drawn[:480] != image).any(axis=-1)
    assert not changed[top + 4 : bottom - 4, left + 4 : right - 4].any()
    assert changed[top - 6 : top, left:right].any(axis=0).all()
    assert not changed[300:].any()
    assert (image == 128).all()


def test_nothing_is_drawn_over_the_frame_while_no_face_is_in_view():
    drawn = Overlay(answer(track({0.0: 0.9})), 160, 120).draw(grey(), 1.5)
    assert (drawn[:120] == 128).all()
    assert drawn.shape[0] > 120  # the video's own answer is always there
    assert (drawn[120:] != 128).any()


@pytest.mark.parametrize(("width", "height"), [(160, 120), (161, 121), (33, 21), (1920, 1080)])
def test_both_sides_are_even_whatever_the_video(width, height):
    prediction = answer(track({0.0: 0.9}))
    drawn = Overlay(prediction, width, height).draw(grey(width, height), 0.0)
    assert drawn.shape[0] % 2 == drawn.shape[1] % 2 == 0
    assert drawn.shape[1] - width in (0, 1)


@pytest.mark.parametrize("background", [0, 255, *(style.colour for style in STYLES.values())])
def test_boxes_are_seen_on_any_background_without_colours(background):
    pictures = []
    for style in STYLES.values():
        image = np.empty((100, 100, 3), np.uint8)
        image[:] = background
        draw_box(image, (20, 20, 80, 80), style, 3)
        luminance = image @ np.array([0.299, 0.587, 0.114])
        before = np.dot(np.broadcast_to(background, 3), [0.299, 0.587, 0.114])
        assert np.abs(luminance - before).max() > 60
        pictures.append(np.abs(luminance - before) > 30)
    # Solid, dashed and dotted lines differ in shape; fake and real do so in their labels' signs.
    _, real, uncertain, abstain = pictures
    assert (real != uncertain).mean() > 0.01
    assert (uncertain != abstain).mean() > 0.01
    assert len({style.sign for style in STYLES.values()}) == len(STYLES)


def test_labels_of_neighbours_do_not_hide_each_other():
    boxes = [(200, 200, 260, 280), (230, 200, 290, 280)]
    together = answer(*(track({0.0: 0.9}, box=box) for box in boxes))
    alone = answer(track({0.0: 0.9}, box=boxes[0]))
    image = grey(640, 480)

    def plate(prediction):
        drawn = Overlay(prediction, 640, 480).draw(image, 0.0)[:480]
        return (drawn == 20).all(axis=-1).sum()

    assert plate(together) > 1.8 * plate(alone)


def test_boxes_beyond_the_frame_are_drawn_as_far_as_it_goes():
    outside = answer(track({0.0: 0.9}, box=(-50.0, -40.0, 900.0, 800.0)))
    assert Overlay(outside, 160, 120).draw(grey(), 0.0).shape[1] == 160


@pytest.mark.parametrize(
    "prediction",
    [
        pytest.param(answer(), id="no face"),
        pytest.param(
            answer(track({0.0: None}, Verdict.ABSTAIN, None), status=Status.UNREADABLE),
            id="unreadable face",
        ),
    ],
)
def test_an_abstention_is_shown_as_such(prediction):
    drawn = Overlay(prediction, 320, 240).draw(grey(320, 240), 0.0)
    colours = {
        verdict: (drawn == style.colour).all(axis=-1).sum() for verdict, style in STYLES.items()
    }
    assert colours[Verdict.ABSTAIN] > 50
    assert not any(count for verdict, count in colours.items() if verdict is not Verdict.ABSTAIN)


def unjudged(box, reason=Unjudged.TOO_BLURRED):
    return UnjudgedTrack(reason, 2, box[2] - box[0], (0.0, 0.5), (box, box))


def test_a_face_that_was_not_judged_is_drawn_and_named():
    box = (400.0, 200.0, 500.0, 320.0)
    seen = answer(track({0.0: 0.9}, box=(50, 200, 150, 320)), unjudged=[unjudged(box)])
    image = np.full((480, 640, 3), 128, np.uint8)
    drawn = Overlay(seen, 640, 480).draw(image, 0.0)
    around = drawn[190:360, 390:560]
    assert (around == UNJUDGED_STYLE.colour).all(axis=-1).sum() > 50
    assert (around == 20).all(axis=-1).sum() > 500  # its note
    np.testing.assert_array_equal(drawn[205:315, 405:495], image[205:315, 405:495])
    gone = Overlay(seen, 640, 480).draw(image, 1.9)
    np.testing.assert_array_equal(gone[:480], image)


def test_labels_cover_no_face_where_there_is_another_place():
    above, below = (100.0, 60.0, 200.0, 140.0), (100.0, 150.0, 200.0, 260.0)
    image = np.full((480, 640, 3), 128, np.uint8)
    for other in (track({0.0: 0.1}, Verdict.REAL, 0.1, box=above), None):
        passed_over = [] if other else [unjudged(above)]
        tracks = [track({0.0: 0.9}, box=below), *([other] if other else [])]
        drawn = Overlay(answer(*tracks, unjudged=passed_over), 640, 480).draw(image, 0.0)
        for box in (above, below):
            left, top, right, bottom = map(round, box)
            inside = drawn[top + 5 : bottom - 5, left + 5 : right - 5]
            assert (inside == 128).all()


@pytest.mark.parametrize("scope", ["knows nobody", None])
def test_the_caption_says_what_the_model_knows(scope):
    general, own = (
        Overlay(prediction, 640, 480).draw(grey(640, 480), 1.5)[480:]
        for prediction in (answer(track({0.0: 0.9})), answer(track({0.0: 0.9}), scope=scope))
    )
    assert (own > 100).sum() > (general > 100).sum() + 100
