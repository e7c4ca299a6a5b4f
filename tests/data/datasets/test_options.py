import pytest

from data.datasets import options
from data.utils.errors import UsageError


def test_nothing_given():
    options.reject("mine", "which is plain", splits=None, official=False)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"splits": ""}, "--splits"),
        ({"splits": "x"}, "--splits"),
        ({"official": True}, "--official"),
    ],
)
def test_given(values, name):
    message = f"{name} means nothing for mine, which is plain; leave it out"
    with pytest.raises(UsageError, match=message):
        options.reject("mine", "which is plain", **values)
