import pathlib

import pytest
import trustme

from data.utils.errors import UsageError
from serving.cli.connection_options import read_tls, read_token
from serving.client.connection import Tls


def test_a_token_is_the_one_word_of_its_file(tmp_path):
    (tmp_path / "token").write_text(" secret\n")
    assert read_token(tmp_path / "token") == "secret"
    assert read_token(None) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "holds 0 words", id="empty"),
        pytest.param(b"one\ntwo\n", "holds 2 words", id="two"),
        pytest.param(b"\xff", "cannot read the bearer token", id="no text"),
        pytest.param(None, "No such file", id="absent"),
    ],
)
def test_a_file_without_one_token_is_named_and_not_quoted(tmp_path, content, message):
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=message) as caught:
        read_token(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "one\n" not in str(caught.value)


def test_tls_is_what_any_of_its_options_says(tmp_path):
    assert read_tls(None, None, None) is None
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    assert read_tls(tmp_path / "ca.pem", None, None) == Tls(tmp_path / "ca.pem")
    with pytest.raises(UsageError, match="needs its key"):
        read_tls(None, pathlib.Path("client.pem"), None)
