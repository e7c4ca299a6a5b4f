import dataclasses

import numpy as np
import pytest
from PIL import Image

from data.ledger import Status
from data.utils.errors import OutputError
from serving.audit.model_card import Thresholds
from serving.prediction import Verdict
from serving.visualization import timeline
from tests.serving.answers import answer, track

THRESHOLDS = Thresholds(real_below=0.3, fake_above=0.6)
TIMES = (0.25, 0.75, 1.25, 1.75)
SEEN = dict.fromkeys(TIMES, 0.9)


def drawn(tmp_path, prediction, thresholds=None, height=400):
    timeline.draw_timeline(prediction, tmp_path / "out.png", thresholds)
    with Image.open(tmp_path / "out.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (1200, height))
        return np.asarray(picture)


def test_the_line_is_where_the_scores_are(tmp_path):
    high = drawn(tmp_path, answer(track(SEEN), times_s=TIMES))
    low = drawn(tmp_path, answer(track(dict.fromkeys(TIMES, 0.1)), times_s=TIMES))

    def row_of_ink(picture):
        plot = picture[84:334, 200:700]
        return np.median(np.nonzero((plot < 40).all(axis=-1))[0])

    # 0 and 1 lie 4 % of the range within the axes' 250 pixels.
    assert row_of_ink(high) == pytest.approx(250 * (1.04 - 0.9) / 1.08, abs=3)
    assert row_of_ink(low) == pytest.approx(250 * (1.04 - 0.1) / 1.08, abs=3)


def test_bands_lie_between_the_thresholds_and_are_not_made_up(tmp_path):
    prediction = answer(track(SEEN), times_s=TIMES)
    with_bands = drawn(tmp_path, prediction, THRESHOLDS)
    without = drawn(tmp_path, prediction)
    column = 100  # between the axis and the first dot

    def at(picture, probability):
        return tuple(picture[84 + round(250 * (1.04 - probability) / 1.08), column])

    fake, uncertain, real = (at(with_bands, p) for p in (0.7, 0.45, 0.15))
    assert len({fake, uncertain, real, (255, 255, 255)}) == 4
    assert at(with_bands, 0.33) == uncertain
    assert at(with_bands, 0.27) == real
    assert {at(without, p) for p in (0.7, 0.45, 0.15)} == {(255, 255, 255)}


@pytest.mark.parametrize(
    "prediction",
    [
        pytest.param(answer(), id="nobody"),
        pytest.param(
            answer(
                track({0.0: None, 0.5: 0.4}, Verdict.ABSTAIN, None),
                status=Status.UNREADABLE,
                reason="the model could not read the faces of 1 of 1 tracks",
            ),
            id="unread",
        ),
        pytest.param(
            answer(*(track({0.5: 0.1 * i}, Verdict.REAL, 0.1 * i) for i in range(6))),
            id="six people",
        ),
        pytest.param(
            answer(track(SEEN), times_s=TIMES, path="a/caf\udce9 \u89c6 $x_1^2$\n" + "x" * 300),
            id="odd name",
        ),
        pytest.param(answer(track({0.0: 1.0}), times_s=(0.0,)), id="one frame"),
        pytest.param(
            answer(dataclasses.replace(track(SEEN), picture=b"\xff\xd8\xff"), times_s=TIMES),
            id="torn picture",
        ),
    ],
)
def test_whatever_the_answer_there_is_a_picture(tmp_path, prediction):
    picture = drawn(tmp_path, prediction, THRESHOLDS)
    assert (picture != 255).mean() > 0.02


def ink(picture):
    return (picture[370:, 20:1180] < 128).any(axis=(0, 2)).sum()


def test_what_the_model_knows_is_below_the_plot(tmp_path):
    general = drawn(tmp_path, answer(track(SEEN), times_s=TIMES), THRESHOLDS)
    own = answer(track(SEEN), times_s=TIMES, scope="knows nobody")
    unknown = answer(track(SEEN), times_s=TIMES, scope=None)
    assert ink(drawn(tmp_path, own, THRESHOLDS)) > ink(general) + 100
    assert ink(drawn(tmp_path, unknown, THRESHOLDS)) > ink(general) + 100


def test_a_long_scope_is_not_cut(tmp_path):
    long = answer(track(SEEN), times_s=TIMES, scope=" ".join(["knows nobody"] * 15))
    assert timeline._notes(long, THRESHOLDS)[-1].endswith("knows nobody.")
    drawn(tmp_path, long, THRESHOLDS, height=420)


def test_a_person_is_shown_by_their_face(tmp_path):
    picture = drawn(tmp_path, answer(track(SEEN), times_s=TIMES))
    face = (picture[:, 900:] == (200, 120, 90)).all(axis=-1)
    assert face.sum() == 68 * 68


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "out.png").mkdir()
    with pytest.raises(OutputError, match=r"out\.png: cannot be written"):
        timeline.draw_timeline(answer(track(SEEN), times_s=TIMES), tmp_path / "out.png")
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]
