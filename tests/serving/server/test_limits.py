import pytest

from data.utils.errors import UsageError
from serving.server.limits import Limits


@pytest.mark.parametrize(
    "wrong", [{"max_requests": 0}, {"max_message_bytes": -1}, {"max_wait_s": 0.0}]
)
def test_limits_must_be_positive(wrong):
    (name,) = wrong
    with pytest.raises(UsageError, match=f"{name} is"):
        Limits(**wrong)
