import threading

import grpc
import pytest

from serving.server.core.manager import Manager
from serving.server.core.version_status import State
from serving.server.errors import StatusError
from tests.serving.server.core.manager_helpers import V1, V2, V3, HeldLoad, load, settle, states


def test_use_gives_the_largest_or_the_named_version():
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


def test_each_servable_is_freed_once_when_no_request_uses_it(wait_until):
    freed = []
    manager = Manager(load, freed.append)
    settle(manager, {"m": V1})
    with manager.use("m"), manager.use("m", 1):
        settle(manager, {"m": V2})
        assert freed == []
    wait_until(lambda: freed == ["servable of /1"])
    manager.close(60)
    assert freed == ["servable of /1", "servable of /2"]


def test_the_last_request_of_a_version_does_not_wait_for_its_unload(wait_until):
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


def test_of_several_old_versions_the_largest_bridges_the_load_of_a_new_one():
    held = HeldLoad("3")
    manager = Manager(held)
    settle(manager, {"m": V1 | V2})
    manager.reconcile({"m": V3})
    assert states(manager) == {3: State.LOADING, 2: State.AVAILABLE, 1: State.END}
    held.go.set()
    manager.wait(["m"])
    assert states(manager) == {3: State.AVAILABLE, 2: State.END, 1: State.END}


def test_a_version_kept_by_a_request_serves_again_when_it_is_aspired_again():
    manager = Manager(load)
    settle(manager, {"m": V1})
    with manager.use("m") as first:
        settle(manager, {"m": V2})
        settle(manager, {"m": V1})
        with manager.use("m") as again:
            assert again == first
    assert states(manager) == {2: State.END, 1: State.AVAILABLE}


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
