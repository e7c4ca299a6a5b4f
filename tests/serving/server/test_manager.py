import pathlib

import grpc
import pytest

from serving.server.errors import StatusError
from serving.server.manager import Manager, RetryPolicy, State

V1, V2, V3 = ({number: pathlib.Path(f"/{number}")} for number in (1, 2, 3))


def load(path: pathlib.Path) -> str:
    return f"servable of {path}"


def states(manager: Manager, name: str = "m") -> dict[int, State]:
    return {number: status.state for number, status in manager.statuses(name).items()}


def test_use_lends_the_largest_or_the_named_version():
    manager = Manager(load)
    manager.reconcile({"m": V1 | V2})
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
    manager.reconcile({"m": V1})
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
    manager.reconcile({"m": V1})
    manager.reconcile({"m": V2})
    assert during_load[1] == ("2", {2: State.LOADING, 1: State.AVAILABLE})
    assert states(manager) == {2: State.AVAILABLE, 1: State.END}
    assert list(manager.statuses("m")) == [2, 1]


def test_a_version_in_use_stays_until_it_is_given_back():
    manager = Manager(load)
    manager.reconcile({"m": V1})
    with manager.use("m") as first:
        with manager.use("m"):
            manager.reconcile({"m": V2})
        assert first == (1, "servable of /1")
        assert states(manager)[1] is State.UNLOADING
        with manager.use("m") as second:
            assert second[0] == 2
    assert states(manager)[1] is State.END


def test_a_request_that_fails_gives_its_version_back():
    manager = Manager(load)
    manager.reconcile({"m": V1})
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

    manager = Manager(load_unless_two, RetryPolicy(retries=0))
    manager.reconcile({"m": V1})
    manager.reconcile({"m": V2})
    assert states(manager) == {2: State.END, 1: State.AVAILABLE}
    error = manager.statuses("m")[2].error
    assert error is not None
    assert (error.code, error.message) == (code, message)
    with manager.use("m") as (number, _):
        assert number == 1
    manager.reconcile({"m": V3})
    assert states(manager) == {3: State.AVAILABLE, 2: State.END, 1: State.END}


@pytest.mark.parametrize(("retries", "tries"), [(0, 1), (2, 3)])
def test_a_failed_load_is_tried_again_as_often_as_the_policy_says(retries, tries):
    tried = []

    def fail(path):
        tried.append(path)
        raise OSError

    manager = Manager(fail, RetryPolicy(retries, interval_s=0))
    for _ in range(5):
        manager.reconcile({"m": V1})
    assert len(tried) == tries


def test_a_failed_load_is_not_tried_again_before_its_time():
    tried = []

    def fail(path):
        tried.append(path)
        raise OSError

    manager = Manager(fail, RetryPolicy(retries=5, interval_s=3600))
    for _ in range(3):
        manager.reconcile({"m": V1})
    assert len(tried) == 1


def test_a_failed_version_that_was_removed_and_comes_back_is_tried_afresh():
    failing = True

    def load_or_fail(path):
        if failing:
            raise OSError
        return load(path)

    manager = Manager(load_or_fail, RetryPolicy(retries=0))
    manager.reconcile({"m": V1})
    manager.reconcile({"m": {}})
    failing = False
    manager.reconcile({"m": V1})
    assert states(manager) == {1: State.AVAILABLE}
    assert manager.statuses("m")[1].error is None


def test_going_back_to_an_unloaded_version_loads_it_again():
    manager = Manager(load)
    for versions in (V1, V2, V1):
        manager.reconcile({"m": versions})
    assert states(manager) == {2: State.END, 1: State.AVAILABLE}


def test_a_model_that_is_gone_is_unloaded_and_others_are_not():
    manager = Manager(load)
    manager.reconcile({"m": V1, "other": V1})
    manager.reconcile({"m": {}, "other": V1})
    assert states(manager) == {1: State.END}
    assert manager.available() == {"other": [1]}
    manager.reconcile({})
    assert manager.available() == {}
