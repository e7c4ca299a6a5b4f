import pathlib

import pytest

from serving.server.core.aspired_version_policy import Action, VersionSnapshot, next_actions
from serving.server.core.version_status import State

LOADING, AVAILABLE, UNLOADING, END = (
    State.LOADING,
    State.AVAILABLE,
    State.UNLOADING,
    State.END,
)
LOAD, KEEP, UNLOAD, FORGET = Action.LOAD, Action.KEEP, Action.UNLOAD, Action.FORGET


def folder(number: int) -> pathlib.Path:
    return pathlib.Path(f"/{number}")


@pytest.mark.parametrize(
    ("states", "aspired", "expected"),
    [
        pytest.param({}, [], {}, id="nothing"),
        pytest.param({}, [1, 2], {2: LOAD, 1: LOAD}, id="new, the largest first"),
        pytest.param({1: AVAILABLE}, [1], {}, id="served"),
        pytest.param({1: AVAILABLE}, [1, 2], {2: LOAD}, id="one more"),
        pytest.param({1: LOADING}, [1], {}, id="being loaded"),
        pytest.param({1: END}, [1], {}, id="given up"),
        pytest.param({1: AVAILABLE}, [2], {2: LOAD}, id="the old one serves until the new one can"),
        pytest.param({1: AVAILABLE, 2: LOADING}, [2], {}, id="the new one is being loaded"),
        pytest.param({1: AVAILABLE, 2: END}, [2], {}, id="the new one failed"),
        pytest.param({1: AVAILABLE, 2: AVAILABLE}, [2], {1: UNLOAD}, id="the new one serves"),
        pytest.param({1: AVAILABLE, 2: AVAILABLE}, [1], {2: UNLOAD}, id="back to an older one"),
        pytest.param(
            {1: AVAILABLE, 2: AVAILABLE, 3: LOADING},
            [3],
            {1: UNLOAD},
            id="the largest of the old ones serves until the new one can",
        ),
        pytest.param(
            {1: AVAILABLE, 2: UNLOADING},
            [2],
            {2: KEEP, 1: UNLOAD},
            id="back while it unloads",
        ),
        pytest.param({1: UNLOADING}, [], {}, id="being unloaded"),
        pytest.param({1: LOADING}, [], {}, id="removed while it is being loaded"),
        pytest.param({1: AVAILABLE, 2: AVAILABLE}, [], {1: UNLOAD, 2: UNLOAD}, id="model removed"),
        pytest.param({1: END}, [], {1: FORGET}, id="given up and removed"),
        pytest.param({1: END, 2: AVAILABLE}, [2], {1: FORGET}, id="given up and replaced"),
    ],
)
def test_actions(states, aspired, expected):
    versions = {number: VersionSnapshot(state, folder(number)) for number, state in states.items()}
    actions = next_actions(versions, {number: folder(number) for number in aspired})
    assert list(actions.items()) == list(expected.items())


def test_a_version_that_was_given_up_is_loaded_again_from_another_folder():
    given_up = VersionSnapshot(END, pathlib.Path("/elsewhere"))
    assert next_actions({1: given_up}, {1: folder(1)}) == {1: LOAD}
    served = VersionSnapshot(AVAILABLE, pathlib.Path("/elsewhere"))
    assert next_actions({1: served}, {1: folder(1)}) == {}


def test_a_version_that_was_forgotten_is_loaded_again():
    forgotten = VersionSnapshot(END, folder(1), forgotten=True)
    assert next_actions({1: forgotten}, {1: folder(1)}) == {1: LOAD}
