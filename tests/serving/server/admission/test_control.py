import grpc
import pytest

from serving.server.admission.auth import REFUSAL, BearerTokens
from serving.server.admission.capacity import Capacity
from serving.server.admission.control import AdmissionControl
from serving.server.admission.health import Health

LOADING = (grpc.StatusCode.UNAVAILABLE, "the server is loading its models")
DRAINING = (grpc.StatusCode.UNAVAILABLE, "the server is shutting down")
FULL = (grpc.StatusCode.RESOURCE_EXHAUSTED, "Server Threadpool Exhausted")


def loading(health):
    return health


def serving(health):
    health.serve()
    return health


def draining(health):
    health.serve()
    health.drain()
    return health


def refusal_of(refusal):
    return None if refusal is None else (refusal.code, refusal.message)


@pytest.mark.parametrize(
    ("stage", "is_status", "room", "expected"),
    [
        pytest.param(loading, False, 1, LOADING, id="request while models load"),
        pytest.param(loading, True, 1, None, id="status while models load"),
        pytest.param(loading, True, 0, FULL, id="status while models load, no room"),
        pytest.param(serving, False, 1, None, id="request"),
        pytest.param(serving, True, 1, None, id="status"),
        pytest.param(serving, False, 0, FULL, id="request, no room"),
        pytest.param(draining, False, 1, DRAINING, id="request while it drains"),
        pytest.param(draining, True, 1, DRAINING, id="status while it drains"),
        pytest.param(draining, False, 0, DRAINING, id="request while it drains, no room"),
    ],
)
def test_what_is_admitted(stage, is_status, room, expected):
    capacity = Capacity(room)
    control = AdmissionControl(stage(Health()), capacity)
    assert refusal_of(control.admit(is_status=is_status)) == expected
    assert capacity.in_use == (expected is None)


def test_the_place_of_a_request_that_has_ended_is_free():
    control = AdmissionControl(serving(Health()), Capacity(1))
    assert control.admit(is_status=False) is None
    assert refusal_of(control.admit(is_status=False)) == FULL
    control.release()
    assert control.admit(is_status=False) is None


@pytest.mark.parametrize(
    ("authorization", "allowed"),
    [("Bearer secret", True), (None, False), ("Bearer wrong", False), ("secret", False)],
)
def test_who_is_authenticated(tmp_path, authorization, allowed):
    (tmp_path / "tokens").write_text("secret\n")
    tokens = BearerTokens(tmp_path / "tokens")
    refusal = AdmissionControl(Health(), Capacity(1), tokens).authenticate(authorization)
    expected = None if allowed else (grpc.StatusCode.UNAUTHENTICATED, REFUSAL)
    assert refusal_of(refusal) == expected


def test_without_a_token_file_everybody_is_authenticated():
    assert AdmissionControl(Health(), Capacity(1)).authenticate(None) is None
