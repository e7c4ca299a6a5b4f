import pytest

from serving.server.monitoring import request_id


@pytest.mark.parametrize("sent", ["7", "trace-4f/2", "x" * 128])
def test_the_id_of_a_client_is_kept(sent):
    assert request_id.choose(sent) == sent


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("x" * 129, id="too long"),
        pytest.param("two\nlines", id="not printable"),
        pytest.param("é", id="not ASCII"),
    ],
)
def test_every_other_request_gets_a_new_one(sent):
    first, second = request_id.choose(sent), request_id.choose(sent)
    assert first != second
    assert len(first) == 32
