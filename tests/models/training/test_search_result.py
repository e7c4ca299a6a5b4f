import json

import keras_tuner
import pytest

from models.training.search_result import SearchResult, from_values, to_value

RESULT = SearchResult(
    chosen={"learning_rate": 0.02, "optimizer.clip_norm": None},
    auc=0.97,
    trials=8,
    failed=1,
    evaluations=14,
)


@pytest.mark.parametrize("choice", [None, 1, 0.5, "sgd", {"decay": "constant"}, [1, 2]])
def test_choices_come_back_as_they_were(choice):
    assert isinstance(to_value(choice), str)
    assert from_values({"key": to_value(choice)}) == {"key": choice}


def test_a_result_passes_through_keras_tuners_hyperparameters_as_tfx_writes_them():
    best = keras_tuner.HyperParameters()
    best.Float("learning_rate", 1e-9, 0.1, default=0.02)
    best.Choice("optimizer.clip_norm", [to_value(None), to_value(1.0)])
    written = json.dumps(RESULT.to_hyperparameters(best).get_config())
    assert SearchResult.from_hyperparameters(json.loads(written)) == RESULT
    assert set(best.values) == {"learning_rate", "optimizer.clip_norm"}, "not changed"


def test_warning_names_what_was_chosen():
    assert RESULT.warning.startswith("learning_rate, optimizer.clip_norm chosen of 8 trials")
