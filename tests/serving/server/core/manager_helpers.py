"""Managers of servables that are texts, and loads that tests hold in their hands."""

import pathlib
import threading

from serving.server.core.manager import Manager
from serving.server.core.version_status import State

V1, V2, V3 = ({number: pathlib.Path(f"/{number}")} for number in (1, 2, 3))


def load(path: pathlib.Path) -> str:
    return f"servable of {path}"


def settle(manager: Manager, aspired) -> None:
    """Reconciles and waits for the loads."""
    manager.reconcile(aspired)
    manager.wait(list(aspired))


def states(manager: Manager, name: str = "m") -> dict[int, State]:
    return {number: status.state for number, status in manager.statuses(name).items()}


class HeldLoad:
    """A load of one folder that hangs until `go` is set; others load at once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.begun = threading.Event()
        self.go = threading.Event()

    def __call__(self, path: pathlib.Path) -> str:
        if path.name == self._name:
            self.begun.set()
            assert self.go.wait(60)
        return load(path)
