import numpy as np
import pytest
from PIL import Image, ImageDraw

from data.ledger import Status
from serving.prediction import Verdict
from serving.visualization.verdict_style import (
    STYLES,
    answer_text,
    draw_sign,
    model_text,
    probability_text,
    remark_text,
    verdict_text,
)
from tests.serving.answers import answer, track


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_sign_is_black_on_its_colour(verdict):
    picture = Image.new("RGB", (60, 60), "#ffffff")
    draw_sign(ImageDraw.Draw(picture), verdict, 10, 10, 40)
    pixels = np.asarray(picture)
    assert tuple(pixels[11, 11]) == STYLES[verdict].colour
    assert (pixels[10:50, 10:50] == 0).all(axis=-1).any()
    assert (pixels[:10] == 255).all()
    assert (pixels[50:] == 255).all()


def test_verdicts_differ_in_colour_sign_and_line():
    assert STYLES.keys() == set(Verdict)
    assert len({style.colour for style in STYLES.values()}) == len(STYLES)
    assert len({style.sign for style in STYLES.values()}) == len(STYLES)


def test_texts_of_a_verdict():
    fake = answer(track({0.0: 0.9}, probability=0.9))
    assert verdict_text(fake.tracks[0]) == "FAKE"
    assert answer_text(fake) == "FAKE, fake probability 0.90"
    assert model_text(fake) == "model tiny, version 3"
    assert remark_text(fake) == ""


def test_texts_of_an_abstention():
    nobody = answer(status=Status.NO_FACE, reason="no face in caf\udce9.mp4")
    assert answer_text(nobody) == "NO VERDICT"
    assert probability_text(None) == "not scored"
    assert model_text(nobody) == "model tiny, not asked"
    assert remark_text(nobody) == "no_face: no face in caf%E9.mp4"


@pytest.mark.parametrize(
    ("still", "remark"),
    [
        ([False, False], ""),
        ([False, True], "track 2 never moves: perhaps a picture"),
        ([True, True], "tracks 1 and 2 never move: perhaps pictures"),
    ],
)
def test_what_never_moves_is_remarked(still, remark):
    tracks = [track({0.0: 0.1}, probability=0.1, perhaps_picture=value) for value in still]
    assert remark_text(answer(*tracks)) == remark
