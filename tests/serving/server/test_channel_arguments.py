import pytest

from data.utils.errors import UsageError
from serving.server.channel_arguments import parse


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        pytest.param("", {}, id="none"),
        pytest.param("a=1", {"a": 1}, id="integer"),
        pytest.param("a=-2,b=text", {"a": -2, "b": "text"}, id="several"),
        pytest.param("a=b=c", {"a": "b=c"}, id="an equals sign in the value"),
        pytest.param("a=1,a=2", {"a": 2}, id="a name twice"),
        pytest.param("a=", {"a": ""}, id="empty text"),
        pytest.param("a=2147483647", {"a": 2**31 - 1}, id="largest integer"),
        pytest.param("a=2147483648", {"a": "2147483648"}, id="no 32-bit integer"),
        pytest.param("a=1.5", {"a": "1.5"}, id="no integer"),
    ],
)
def test_pairs_are_read_as_integers_where_they_are(text, arguments):
    assert parse(text) == arguments


@pytest.mark.parametrize("text", ["a", "=1", "a=1,", "a=1,,b=2"])
def test_what_is_no_pair_is_named(text):
    with pytest.raises(UsageError, match=r"--grpc_channel_arguments: '[a=1]*' is not NAME=VALUE"):
        parse(text)
