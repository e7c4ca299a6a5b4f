"""Which versions of a model to load and to unload: an aspired version policy.

Aspired versions are those that should be served. This is TensorFlow Serving's availability
preserving policy (`availability_preserving_policy.cc`): a model that serves keeps serving while
another version is loaded. Its other one, resource preserving, unloads before it loads.
"""

import dataclasses
import enum
import pathlib
from collections.abc import Mapping

from serving.server.core.version_policy import Versions
from serving.server.core.version_status import State


@dataclasses.dataclass(frozen=True)
class VersionSnapshot:
    """One version, as the policy sees it.

    Attributes:
        state: where in its life it is.
        path: folder that it was loaded from.
        forgotten: it has ended, and was not aspired since.
    """

    state: State
    path: pathlib.Path
    forgotten: bool = False


class Action(enum.Enum):
    """What to do with a version."""

    LOAD = "load it from its folder"
    KEEP = "make it available again: requests have kept it from being unloaded"
    UNLOAD = "unload it as soon as no request uses it"
    FORGET = "it has ended: load it again if it becomes aspired again"


def next_actions(versions: Mapping[int, VersionSnapshot], aspired: Versions) -> dict[int, Action]:
    """Decides what to do with the versions of one model.

    A version whose load was given up is loaded again once its folder has moved, or once it was
    not aspired for a while. Old versions are unloaded when an aspired one is available; until
    then the largest of them stays.

    Example:
        >>> old, new = pathlib.Path("m/1"), pathlib.Path("m/2")
        >>> serving = {1: VersionSnapshot(State.AVAILABLE, old)}
        >>> next_actions(serving, {2: new})
        {2: <Action.LOAD: 'load it from its folder'>}

    Args:
        versions: every version that was ever aspired.
        aspired: folders of the versions that should be served.

    Returns:
        An action for each version that needs one; loads first, the largest number first.
    """
    actions = {}
    for number in sorted(aspired, reverse=True):
        version = versions.get(number)
        if version is None or version.forgotten:
            actions[number] = Action.LOAD
        elif version.state is State.UNLOADING:
            actions[number] = Action.KEEP
        elif version.state is State.END and version.path != aspired[number]:
            actions[number] = Action.LOAD
    old = {number: versions[number].state for number in sorted(versions) if number not in aspired}
    available = [number for number, state in old.items() if state is State.AVAILABLE]
    serves = {State.AVAILABLE, State.UNLOADING}
    if aspired and not any(n in versions and versions[n].state in serves for n in aspired):
        available = available[:-1]
    actions |= dict.fromkeys(available, Action.UNLOAD)
    actions |= {n: Action.FORGET for n, state in old.items() if state is State.END}
    return actions
