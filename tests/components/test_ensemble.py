"""The component's inputs; what it makes of them is tested by `tests/pipeline/test_ensembles.py`."""

from components.ensemble import Ensemble
from models.config import MAX_MEMBERS


def test_there_is_an_input_for_each_member_that_a_config_may_name():
    inputs = Ensemble.SPEC_CLASS.INPUTS
    members = sorted(name for name in inputs if name.startswith("member_"))
    assert members == [f"member_{number}" for number in range(1, MAX_MEMBERS + 1)]
    assert [inputs[name].optional for name in members] == [False, False, True, True, True, True]
