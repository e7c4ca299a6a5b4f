"""Which versions of which models are loaded, and who is using them."""

import contextlib
import dataclasses
import enum
import logging
import pathlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

import grpc

from serving.server.errors import StatusError
from serving.server.source import Versions

logger = logging.getLogger(__name__)

ServableT = TypeVar("ServableT")


class State(enum.IntEnum):
    """State of a version, numbered as `tensorflow.serving.ModelVersionStatus.State`."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclasses.dataclass(frozen=True)
class VersionStatus:
    """What became of one version.

    Attributes:
        state: where in its life it is.
        error: why it could not be loaded, or None.
    """

    state: State
    error: StatusError | None


@dataclasses.dataclass(frozen=True)
class RetryPolicy:
    """When a failed load is tried again; TensorFlow Serving's numbers by default.

    Attributes:
        retries: tries after the first.
        interval_s: seconds between two tries.
    """

    retries: int = 5
    interval_s: float = 60.0


@dataclasses.dataclass
class _Version(Generic[ServableT]):
    state: State = State.START
    error: StatusError | None = None
    servable: ServableT | None = None
    requests: int = 0
    tries: int = 0
    next_try: float = 0.0


class Manager(Generic[ServableT]):
    """Loads and unloads versions without ever leaving a model unserved in between.

    TensorFlow Serving's availability-preserving policy: an old version is unloaded once a
    wanted one is available, and then as soon as the last request that uses it has ended.
    A load that fails changes nothing but the failed version's status.

    Args:
        load: makes the servable of a version from its folder; whatever it raises is a
            failed load.
        retry_policy: when a failed load is tried again.
    """

    def __init__(
        self,
        load: Callable[[pathlib.Path], ServableT],
        retry_policy: RetryPolicy = RetryPolicy(),
    ) -> None:
        self._load = load
        self._retry_policy = retry_policy
        self._lock = threading.Lock()
        self._models: dict[str, dict[int, _Version[ServableT]]] = {}

    def reconcile(self, wanted: Mapping[str, Versions]) -> None:
        """Loads what is wanted and new, then unloads what is no longer wanted.

        Returns once all loads have ended. To be called from one thread.

        Args:
            wanted: the versions that should be served, by model; a model that is left
                out is unloaded.
        """
        for name, versions in wanted.items():
            for number in sorted(versions):
                self._load_if_due(name, number, versions[number])
        for name in list(self._models):
            self._retire(name, wanted.get(name, {}))

    @contextlib.contextmanager
    def use(self, name: str, number: int | None = None) -> Iterator[tuple[int, ServableT]]:
        """Lends a loaded version, which stays loaded until it is given back.

        Args:
            name: of the model.
            number: of the version; None for the largest that is available.

        Yields:
            Number of the version and its servable.

        Raises:
            StatusError: NOT_FOUND, there is no such version.
        """
        with self._lock:
            available = [
                candidate
                for candidate, version in self._models.get(name, {}).items()
                if version.state is State.AVAILABLE and number in (None, candidate)
            ]
            if not available:
                asked = f"Latest({name})" if number is None else f"Specific({name}, {number})"
                raise StatusError(
                    grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {asked}"
                )
            chosen = max(available)
            version = self._models[name][chosen]
            assert version.servable is not None
            version.requests += 1
        try:
            yield chosen, version.servable
        finally:
            with self._lock:
                version.requests -= 1
                self._unload_if_idle(name, chosen)

    def statuses(self, name: str) -> dict[int, VersionStatus]:
        """Status of every version of a model ever seen, the largest first."""
        with self._lock:
            versions = self._models.get(name, {})
            return {
                number: VersionStatus(versions[number].state, versions[number].error)
                for number in sorted(versions, reverse=True)
            }

    def available(self) -> dict[str, list[int]]:
        """Numbers of the versions that can be asked, by model; models without any left out."""
        with self._lock:
            found = {
                name: sorted(
                    number
                    for number, version in versions.items()
                    if version.state is State.AVAILABLE
                )
                for name, versions in sorted(self._models.items())
            }
        return {name: numbers for name, numbers in found.items() if numbers}

    def _load_if_due(self, name: str, number: int, path: pathlib.Path) -> None:
        with self._lock:
            version = self._models.setdefault(name, {}).setdefault(number, _Version())
            failed = version.error is not None
            if version.state is State.END and not failed:  # unloaded, and now wanted again
                version = self._models[name][number] = _Version()
            due = version.state is State.START or (
                failed
                and version.tries <= self._retry_policy.retries
                and time.monotonic() >= version.next_try
            )
            if not due:
                return
            version.state, version.error = State.LOADING, None
        logger.info("%s version %d: loading from %s", name, number, path)
        try:
            servable = self._load(path)
        except StatusError as error:
            self._fail(name, number, error)
        except Exception as error:  # noqa: BLE001 - no folder may take the server down
            message = f"{type(error).__name__}: {error}"
            self._fail(name, number, StatusError(grpc.StatusCode.UNKNOWN, message))
        else:
            with self._lock:
                version.servable, version.state = servable, State.AVAILABLE
            logger.info("%s version %d: available", name, number)

    def _fail(self, name: str, number: int, error: StatusError) -> None:
        with self._lock:
            version = self._models[name][number]
            version.state, version.error = State.END, error
            version.tries += 1
            version.next_try = time.monotonic() + self._retry_policy.interval_s
        logger.error("%s version %d: cannot be loaded: %s", name, number, error)

    def _retire(self, name: str, wanted: Versions) -> None:
        with self._lock:
            versions = self._models[name]
            for number, version in versions.items():
                if number not in wanted:
                    version.tries, version.next_try = 0, 0.0  # should it come back
            replaced = any(versions[number].state is State.AVAILABLE for number in wanted)
            if wanted and not replaced:
                return
            for number, version in versions.items():
                if version.state is State.AVAILABLE and number not in wanted:
                    version.state = State.UNLOADING
                    self._unload_if_idle(name, number)

    def _unload_if_idle(self, name: str, number: int) -> None:
        """Drops the servable of a retired version nobody uses; the lock must be held."""
        version = self._models[name][number]
        if version.state is State.UNLOADING and version.requests == 0:
            version.state, version.servable = State.END, None
            logger.info("%s version %d: unloaded", name, number)
