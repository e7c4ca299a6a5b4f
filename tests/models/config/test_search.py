import pytest

from models.config.search import Dimension, SearchConfig


@pytest.mark.parametrize(
    ("dimension", "whole", "examples"),
    [
        pytest.param({"low": 0.1, "high": 0.5}, False, [0.1, 0.5], id="range"),
        # A step of 2 from 4 would pass 4 and 8, but not 5.
        pytest.param({"low": 4, "high": 8}, True, [4, 8, 5], id="whole numbers"),
        pytest.param({"choices": ["adam", "sgd"]}, False, ["adam", "sgd"], id="choices"),
    ],
)
def test_examples(dimension, whole, examples):
    assert Dimension(**dimension).examples(whole=whole) == examples


def test_a_trial_has_its_own_steps_and_no_search():
    search = SearchConfig(trials=2, steps=5, space={"dropout": {"low": 0, "high": 0.5}})
    assert search.trial_values({"dropout": 0.1}) == {"dropout": 0.1, "steps": 5, "search": None}
