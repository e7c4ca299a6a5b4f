import pathlib
import threading

import grpc
import pytest

from serving.server.core.manager import Manager, RetryPolicy, State
from serving.server.errors import StatusError

V1, V2, V3 = ({number: pathlib.Path(f"/{number}")} for number in (1, 2, 3))


def load(path: pathlib.Path) -> str:
    return f"servable of {path}"


def settle(manager: Manager, wanted) -> None:
    """Reconciles and waits for the loads."""
    manager.reconcile(wanted)
    manager.wait(list(wanted))


def states(manager: Manager, name: str = "m") -> dict[int, State]:
    return {number: status.state for number, status in manager.statuses(name).items()}


def test_use_lends_the_largest_or_the_named_version():
    manager = Manager(load)
    settle(manager, {"m": V1 | V2})
    with manager.use("m") as lent:
        assert lent == (2, "servable of /2")
    with manager.use("m", 1) as lent:
        assert lent == (1, "servable of /1")
    assert manager.available() == {"m": [1, 2]}


@pytest.mark.parametrize(
    ("name", "number", "message"),
    [
        ("other", None, "Servable not found for request: Latest(other)"),
        ("m", 7, "Servable not found for request: Specific(m, 7)"),
    ],
)
def test_what_is_not_there_is_not_found(name, number, message):
    manager = Manager(load)
    settle(manager, {"m": V1})
    with pytest.raises(StatusError) as caught, manager.use(name, number):
        pass
    assert caught.value.code is grpc.StatusCode.NOT_FOUND
    assert caught.value.message == message


def test_new_version_is_loaded_before_the_old_one_unloads():
    during_load = []

    def load_and_look(path):
        during_load.append((path.name, states(manager)))
        return load(path)

    manager = Manager(load_and_look)
    settle(manager, {"m": V1})
    settle(manager, {"m": V2})
    assert during_load[1] == ("2", {2: State.LOADING, 1: State.AVAILABLE})
    assert states(manager) == {2: State.AVAILABLE, 1: State.END}
    assert list(manager.statuses("m")) == [2, 1]


def test_a_version_in_use_stays_until_it_is_given_back():
    manager = Manager(load)
    settle(manager, {"m": V1})
    with manager.use("m") as first:
        with manager.use("m"):
            settle(manager, {"m": V2})
        assert first == (1, "servable of /1")
        assert states(manager)[1] is State.UNLOADING
        with manager.use("m") as second:
            assert second[0] == 2
    assert states(manager)[1] is State.END


def test_a_request_that_fails_gives_its_version_back():
    manager = Manager(load)
    settle(manager, {"m": V1})
    with pytest.raises(KeyError), manager.use("m"):
        raise KeyError
    manager.reconcile({})
    assert states(manager) == {1: State.END}


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
def test_a_failed_load_is_told_and_the_old_version_serves_on(failure, code, message):
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


def test_a_failed_load_waits_for_its_time_and_is_told_meanwhile():
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


def test_a_version_given_up_is_tried_afresh_where_it_lies_elsewhere():
    def fail_for_one(path):
        if path.name == "1":
            raise OSError
        return load(path)

    manager = Manager(fail_for_one, retry_policy=RetryPolicy(retries=0))
    settle(manager, {"m": V1})
    assert states(manager) == {1: State.END}
    settle(manager, {"m": {1: pathlib.Path("/elsewhere")}})
    assert states(manager) == {1: State.AVAILABLE}


class HeldLoad:
    """A load of one folder that hangs until it is let go; others load at once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.begun = threading.Event()
        self.go = threading.Event()

    def __call__(self, path: pathlib.Path) -> str:
        if path.name == self._name:
            self.begun.set()
            assert self.go.wait(60)
        return load(path)


def test_a_load_that_hangs_holds_up_nothing_else():
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


def test_each_servable_is_freed_once_when_nobody_uses_it(wait_until):
    freed = []
    manager = Manager(load, freed.append)
    settle(manager, {"m": V1})
    with manager.use("m"), manager.use("m", 1):
        settle(manager, {"m": V2})
        assert freed == []
    wait_until(lambda: freed == ["servable of /1"])
    manager.close(60)
    assert freed == ["servable of /1", "servable of /2"]


def test_no_request_waits_for_what_it_was_the_last_to_use(wait_until):
    go, freed = threading.Event(), []

    def unload(servable):
        assert go.wait(60)
        freed.append(servable)

    manager = Manager(load, unload)
    settle(manager, {"m": V1})
    with manager.use("m"):
        manager.reconcile({})
    assert freed == []
    go.set()
    manager.close(60)
    assert freed == ["servable of /1"]


def test_requests_go_on_while_a_servable_is_freed():
    begun, go = threading.Event(), threading.Event()

    def unload(_):
        begun.set()
        assert go.wait(60)

    manager = Manager(load, unload)
    settle(manager, {"m": V1, "other": V1})
    removing = threading.Thread(target=manager.reconcile, args=({"other": V1},))
    removing.start()
    assert begun.wait(60)
    with manager.use("other") as lent:
        assert lent == (1, "servable of /1")
    assert removing.is_alive()
    go.set()
    removing.join(60)


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


def test_of_several_old_versions_the_largest_bridges_the_load_of_a_new_one():
    held = HeldLoad("3")
    manager = Manager(held)
    settle(manager, {"m": V1 | V2})
    manager.reconcile({"m": V3})
    assert states(manager) == {3: State.LOADING, 2: State.AVAILABLE, 1: State.END}
    held.go.set()
    manager.wait(["m"])
    assert states(manager) == {3: State.AVAILABLE, 2: State.END, 1: State.END}


def test_a_version_kept_by_a_request_serves_again_when_it_is_wanted_again():
    manager = Manager(load)
    settle(manager, {"m": V1})
    with manager.use("m") as first:
        settle(manager, {"m": V2})
        settle(manager, {"m": V1})
        with manager.use("m") as again:
            assert again == first
    assert states(manager) == {2: State.END, 1: State.AVAILABLE}


def test_a_failed_version_that_was_removed_and_comes_back_is_tried_afresh():
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


def test_going_back_to_an_unloaded_version_loads_it_again():
    manager = Manager(load)
    for versions in (V1, V2, V1):
        settle(manager, {"m": versions})
    assert states(manager) == {2: State.END, 1: State.AVAILABLE}


def test_a_model_that_is_gone_is_unloaded_and_others_are_not():
    manager = Manager(load)
    settle(manager, {"m": V1, "other": V1})
    settle(manager, {"m": {}, "other": V1})
    assert states(manager) == {1: State.END}
    assert manager.available() == {"other": [1]}
    manager.reconcile({})
    assert manager.available() == {}
