import pytest

from data.detectors import registry
from data.errors import UsageError


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(UsageError, match="unknown detector 'haar': choose one of mtcnn"):
        registry.create("haar")
