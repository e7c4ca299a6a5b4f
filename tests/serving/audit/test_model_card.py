import hashlib
import json

import numpy as np
import pytest

from data.utils.errors import UsageError
from serving.audit import model_card
from serving.audit.model_card import Thresholds
from serving.prediction import Verdict
from tests.serving.answers import answer, track

CONTENT = {
    "name": "tiny",
    "scope": "faces",
    "thresholds": {"real_below": 0.4, "fake_above": 0.6},
    "calibration": {"method": "temperature", "temperature": 2.0},
    "variables_sha256": "a" * 64,
}


@pytest.fixture
def write(tmp_path):
    def put(content):
        folder = tmp_path / "tiny" / "3" / "assets.extra"
        folder.mkdir(parents=True)
        (folder / "model.json").write_text(content)
        return tmp_path

    return put


def test_a_card_is_read_from_a_serving_root(write):
    root = write(json.dumps(CONTENT))
    card = model_card.read_model_card(root, "tiny", 3)
    assert card.thresholds == Thresholds(real_below=0.4, fake_above=0.6)
    assert card.calibration["temperature"] == 2.0
    assert card.sha256 == hashlib.sha256(json.dumps(CONTENT).encode()).hexdigest()


@pytest.mark.parametrize(
    ("content", "version", "message"),
    [
        ("{}", 3, "name: Field required"),
        ("[", 3, "Invalid JSON"),
        ("{}", 4, "and version 4 of 'tiny' answered"),
        (json.dumps(CONTENT | {"thresholds": {"real_below": 2, "fake_above": 1}}), 3, "thresholds"),
    ],
)
def test_what_cannot_be_read_is_named(write, content, version, message):
    with pytest.raises(UsageError, match=r"model\.json") as caught:
        model_card.read_model_card(write(content), "tiny", version)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("probability", "verdict"),
    [
        (0.39, "real"),
        (0.4, "uncertain"),
        (float(np.float32(0.6)), "uncertain"),  # 0.60000002: what a server says of 0.6
        (0.61, "fake"),
    ],
)
def test_verdicts_follow_from_thresholds(write, probability, verdict):
    card = model_card.read_model_card(write(json.dumps(CONTENT)), "tiny", 3)
    assert card.thresholds.verdict(probability) is Verdict(verdict)
    for said in (Verdict.REAL, Verdict.UNCERTAIN, Verdict.FAKE):
        said_of_track = answer(track({0.0: 0.5}, said, probability), scope="faces")
        problem = model_card.find_contradiction(card, said_of_track)
        assert (problem is None) == (said.value == verdict)
    unread = answer(track({0.0: None}, Verdict.ABSTAIN, None), scope="faces")
    assert model_card.find_contradiction(card, unread) is None


@pytest.mark.parametrize(
    ("carried", "served", "problem"),
    [
        pytest.param("faces", "faces", None, id="the same"),
        pytest.param("faces", "all", "its scope is 'all', but the card's is 'faces'", id="another"),
        pytest.param("faces", None, None, id="a model that serves none"),
        pytest.param(None, "all", None, id="a card without one"),
    ],
)
def test_the_scope_must_be_the_cards(write, carried, served, problem):
    card = model_card.read_model_card(write(json.dumps(CONTENT | {"scope": carried})), "tiny", 3)
    said = answer(track({0.0: 0.9}), scope=served)
    assert model_card.find_contradiction(card, said) == problem
