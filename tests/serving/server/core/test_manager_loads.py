"""Loads that fail, are tried again, hang, or come too late."""

import pathlib
import threading

import grpc
import pytest

from serving.server.core.manager import Manager, RetryPolicy
from serving.server.core.version_status import State
from serving.server.errors import StatusError
from tests.serving.server.core.manager_helpers import V1, V2, V3, HeldLoad, load, settle, states


@pytest.mark.parametrize(
    ("failure", "code", "message"),
    [
        pytest.param(ValueError("bad"), grpc.StatusCode.UNKNOWN, "ValueError: bad", id="any"),
        pytest.param(
            StatusError(grpc.StatusCode.DATA_LOSS, "torn"),
            grpc.StatusCode.DATA_LOSS,
            "torn",
            id="status",
        ),
    ],
)
def test_a_failed_load_is_reported_and_the_old_version_serves_on(failure, code, message):
    def load_unless_two(path):
        if path.name == "2":
            raise failure
        return load(path)

    manager = Manager(load_unless_two, retry_policy=RetryPolicy(retries=0))
    settle(manager, {"m": V1})
    settle(manager, {"m": V2})
    assert states(manager) == {2: State.END, 1: State.AVAILABLE}
    error = manager.statuses("m")[2].error
    assert error is not None
    assert (error.code, error.message) == (code, message)
    with manager.use("m") as (number, _):
        assert number == 1
    settle(manager, {"m": V3})
    assert states(manager) == {3: State.AVAILABLE, 2: State.END, 1: State.END}


@pytest.mark.parametrize(("retries", "tries"), [(0, 1), (2, 3)])
def test_a_failed_load_is_tried_again_as_often_as_the_policy_says(retries, tries, wait_until):
    tried = []

    def fail(path):
        tried.append(states(manager))
        raise OSError("no")

    manager = Manager(fail, retry_policy=RetryPolicy(retries, interval_s=0))
    settle(manager, {"m": V1})
    wait_until(lambda: states(manager) == {1: State.END})
    settle(manager, {"m": V1})
    assert tried == [{1: State.LOADING}] * tries
    error = manager.statuses("m")[1].error
    assert error is not None
    assert error.message == "OSError: no"


def test_a_failed_load_waits_for_its_time_and_is_reported_meanwhile():
    tried = []

    def fail(path):
        tried.append(path)
        raise OSError("no")

    manager = Manager(fail, retry_policy=RetryPolicy(retries=5, interval_s=3600))
    for _ in range(3):
        settle(manager, {"m": V1})
    assert len(tried) == 1
    status = manager.statuses("m")[1]
    assert status.state is State.LOADING
    assert status.error is not None
    manager.close(60)
    assert states(manager) == {1: State.END}


def test_a_load_that_succeeds_at_last_serves(wait_until):
    tried = []

    def fail_once(path):
        tried.append(path)
        if len(tried) == 1:
            raise OSError
        return load(path)

    manager = Manager(fail_once, retry_policy=RetryPolicy(retries=1, interval_s=0))
    settle(manager, {"m": V1})
    wait_until(lambda: states(manager) == {1: State.AVAILABLE})
    assert manager.statuses("m")[1].error is None


def test_a_version_given_up_is_tried_again_from_another_folder():
    def fail_for_one(path):
        if path.name == "1":
            raise OSError
        return load(path)

    manager = Manager(fail_for_one, retry_policy=RetryPolicy(retries=0))
    settle(manager, {"m": V1})
    assert states(manager) == {1: State.END}
    settle(manager, {"m": {1: pathlib.Path("/elsewhere")}})
    assert states(manager) == {1: State.AVAILABLE}


def test_a_load_that_hangs_delays_nothing_else():
    held = HeldLoad("2")
    manager = Manager(held)
    settle(manager, {"m": V1})
    manager.reconcile({"m": V2, "other": V1})
    manager.wait(["other"])
    assert held.begun.wait(60)
    assert manager.available() == {"m": [1], "other": [1]}
    assert states(manager) == {2: State.LOADING, 1: State.AVAILABLE}
    held.go.set()
    manager.wait(["m"])
    assert states(manager) == {2: State.AVAILABLE, 1: State.END}


def test_a_servable_that_came_too_late_is_freed():
    held, freed = HeldLoad("1"), []
    manager = Manager(held, freed.append)
    manager.reconcile({"m": V1})
    assert held.begun.wait(60)
    manager.reconcile({})
    held.go.set()
    manager.close(60)
    assert freed == ["servable of /1"]


def test_a_model_removed_while_it_loads_never_serves():
    held = HeldLoad("1")
    manager = Manager(held)
    manager.reconcile({"m": V1})
    assert held.begun.wait(60)
    manager.reconcile({})
    held.go.set()
    manager.close(60)
    assert states(manager) == {1: State.END}
    assert manager.available() == {}
    settle(manager, {"m": V1})
    assert manager.available() == {"m": [1]}


def test_a_version_replaced_while_it_loads_never_serves_even_if_the_new_one_fails():
    held = HeldLoad("1")

    def load_unless_two(path):
        if path.name == "2":
            raise OSError
        return held(path)

    manager = Manager(load_unless_two, retry_policy=RetryPolicy(retries=0))
    manager.reconcile({"m": V1})
    assert held.begun.wait(60)
    settle(manager, {"m": V2})
    (loading,) = (thread for thread in threading.enumerate() if thread.name == "load m 1")
    held.go.set()
    loading.join(60)
    assert states(manager) == {2: State.END, 1: State.END}


def test_a_failed_version_that_was_removed_and_comes_back_is_tried_again():
    failing = True

    def load_or_fail(path):
        if failing:
            raise OSError
        return load(path)

    manager = Manager(load_or_fail, retry_policy=RetryPolicy(retries=0))
    settle(manager, {"m": V1})
    manager.reconcile({"m": {}})
    failing = False
    settle(manager, {"m": V1})
    assert states(manager) == {1: State.AVAILABLE}
    assert manager.statuses("m")[1].error is None
