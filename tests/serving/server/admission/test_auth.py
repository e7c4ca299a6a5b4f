import logging
import os

import pytest

from data.utils.errors import UsageError
from serving.server.admission.auth import BearerTokens


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "tokens.txt"
    path.write_text("# of the batch job\nfirst-token\n\n  second-token  \n")
    return path


@pytest.mark.parametrize(
    ("authorization", "allowed"),
    [
        ("Bearer first-token", True),
        ("bearer second-token", True),
        ("Bearer  second-token ", True),
        ("Bearer first-toke", False),
        ("Bearer first-tokenX", False),
        ("Bearer # of the batch job", False),
        ("Bearer ", False),
        ("Bearer", False),
        ("Basic first-token", False),
        ("first-token", False),
        ("Bearer \udcff", False),
        ("", False),
        (None, False),
    ],
)
def test_only_the_tokens_of_the_file_pass(file, authorization, allowed):
    assert BearerTokens(file).allows(authorization) is allowed


def test_a_changed_file_is_read_again(file):
    tokens = BearerTokens(file)
    file.write_text("third-token\n")
    assert tokens.allows("Bearer third-token")
    assert not tokens.allows("Bearer first-token")


def test_a_file_of_the_same_size_put_in_its_place_is_read(file):
    tokens = BearerTokens(file)
    stat = file.stat()
    aside = file.with_name("aside")
    aside.write_text(file.read_text().replace("first", "other"))
    os.utime(aside, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    aside.replace(file)
    assert tokens.allows("Bearer other-token")


def test_the_last_tokens_hold_while_the_file_is_away(file, caplog):
    tokens = BearerTokens(file)
    text = file.read_text()
    file.unlink()
    with caplog.at_level(logging.ERROR):
        assert tokens.allows("Bearer first-token")
        assert tokens.allows("Bearer first-token")
    assert caplog.text.count("the last tokens hold") == 1
    file.write_text(text.replace("first", "new"))
    assert tokens.allows("Bearer new-token")
    assert not tokens.allows("Bearer first-token")


def test_an_emptied_file_allows_no_request(file):
    tokens = BearerTokens(file)
    file.write_text("")
    assert not tokens.allows("Bearer first-token")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read the file of bearer tokens"),
        (b"\xff\xfe", "cannot read the file of bearer tokens"),
        (b"# none\n", "lists no bearer token"),
    ],
)
def test_a_file_that_is_no_use_is_an_error(tmp_path, content, message):
    path = tmp_path / "tokens.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=message) as error:
        BearerTokens(path)
    assert str(path) in str(error.value)


def test_tokens_are_kept_as_digests_alone(file):
    assert "first-token" not in str(vars(BearerTokens(file)))
