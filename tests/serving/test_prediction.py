import pytest

from data.contract import SCOPE, SCOPE_SENTENCE
from serving.prediction import scope_sentences


@pytest.mark.parametrize(
    ("version", "scope", "own"),
    [
        pytest.param(1, "knows nobody", ["Scope of this model: knows nobody."], id="its own"),
        pytest.param(1, SCOPE, [], id="the general one"),
        pytest.param(1, None, ["This model does not state its own scope."], id="not stated"),
        pytest.param(None, None, [], id="not asked"),
    ],
)
def test_the_models_own_scope_follows_where_it_differs(version, scope, own):
    assert scope_sentences(version, scope) == [SCOPE_SENTENCE, *own]
