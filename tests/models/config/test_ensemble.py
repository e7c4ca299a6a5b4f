import pydantic
import pytest

from models.config.ensemble import MAX_MEMBERS, EnsembleConfig

MEMBERS = ["xception", "meso4"]


def test_json_round_trip():
    config = EnsembleConfig(name="blend", members=MEMBERS, weights=[1, 3], track_length=8)
    assert EnsembleConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"members": ["xception"]}, "at least 2 items", id="one member"),
        pytest.param({"members": list("abcdefg")}, f"at most {MAX_MEMBERS}", id="too many"),
        pytest.param({"members": ["a", "b", "a"]}, "a member stands twice", id="twice"),
        pytest.param({"weights": [1]}, "1 weights for 2 members", id="too few weights"),
        pytest.param({"weights": [0, 0]}, "may not all be 0", id="no weight"),
        pytest.param({"weights": [-1, 2]}, "greater than or equal to 0", id="negative weight"),
        pytest.param(
            {"method": "stacked", "weights": [1, 1]}, "`stacked` fits its own", id="stacked"
        ),
        pytest.param({"name": "a/b"}, "should match pattern", id="a name that is a path"),
        pytest.param({"calibration": "beta"}, "'temperature', 'platt' or 'isotonic'", id="method"),
        pytest.param({"false_positive_rate": 0.5}, "less than 0.5", id="rate of a coin"),
    ],
)
def test_refusals(changes, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        EnsembleConfig(**{"name": "blend", "members": MEMBERS, **changes})
