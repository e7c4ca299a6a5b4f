import grpc
import pytest

from serving.server.admission.auth import REFUSAL, Tokens
from serving.server.admission.health import Health
from serving.server.admission.limits import Admission
from serving.server.errors import StatusError
from serving.server.rest_api.gate import RestDoor


@pytest.fixture
def health():
    return Health()


def code_of_entering(door, **arguments):
    try:
        with door.entered(**arguments):
            return None
    except StatusError as error:
        return error.code, error.message


def test_only_the_status_is_told_while_models_load_and_nothing_once_it_drains(health):
    door = RestDoor(health, Admission(1), None)
    loading = (grpc.StatusCode.UNAVAILABLE, "the server is loading its models")
    assert code_of_entering(door, is_status=False) == loading
    assert code_of_entering(door, is_status=True) is None
    health.serve()
    assert code_of_entering(door, is_status=False) is None
    health.drain()
    draining = (grpc.StatusCode.UNAVAILABLE, "the server is shutting down")
    assert code_of_entering(door, is_status=False) == draining
    assert code_of_entering(door, is_status=True) == draining


def test_one_more_request_than_there_is_room_for_is_refused(health):
    health.serve()
    admission = Admission(1)
    door = RestDoor(health, admission, None)
    full = (grpc.StatusCode.RESOURCE_EXHAUSTED, "Server Threadpool Exhausted")
    with door.entered(is_status=False):
        assert code_of_entering(door, is_status=False) == full
    with pytest.raises(ZeroDivisionError), door.entered(is_status=False):
        raise ZeroDivisionError
    assert admission.inside == 0


def test_whoever_has_no_token_is_held_up(health, tmp_path):
    (tmp_path / "tokens").write_text("secret\n")
    door = RestDoor(health, Admission(1), Tokens(tmp_path / "tokens"))
    door.check_token("Bearer secret")
    for authorization in (None, "Bearer wrong", "secret"):
        with pytest.raises(StatusError, match=REFUSAL) as caught:
            door.check_token(authorization)
        assert caught.value.code is grpc.StatusCode.UNAUTHENTICATED
    RestDoor(health, Admission(1), None).check_token(None)
