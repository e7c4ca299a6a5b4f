"""Loads and unloads the versions of models, and counts the requests that use them."""

import contextlib
import dataclasses
import logging
import pathlib
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Generic, TypeVar

import grpc

from serving.server.core.aspired_version_policy import Action, VersionSnapshot, next_actions
from serving.server.core.version_policy import Versions
from serving.server.core.version_status import State, VersionStatus
from serving.server.errors import StatusError

logger = logging.getLogger(__name__)

ServableT = TypeVar("ServableT")

_LOADS_AT_A_TIME = 4
"""More than one, so that a load that hangs, on a network drive say, delays no other model."""


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
    path: pathlib.Path
    state: State = State.LOADING
    error: StatusError | None = None
    servable: ServableT | None = None
    requests: int = 0
    forgotten: bool = False


class Manager(Generic[ServableT]):
    """Loads and unloads versions without ever leaving a model unserved in between.

    `aspired_version_policy` decides what is loaded and unloaded. A version is unloaded when the
    last request that uses it has ended. A load that fails changes only the status of the failed
    version. Each load has its own thread, and a few run at a time. The result of a load that ends
    after its version was removed is thrown away.

    Args:
        load: makes the servable of a version from its folder; whatever it raises is a
            failed load. Called from several threads.
        unload: frees what a servable holds; called once for each that was loaded, from any
            thread.
        retry_policy: when a failed load is tried again.
    """

    def __init__(
        self,
        load: Callable[[pathlib.Path], ServableT],
        unload: Callable[[ServableT], None] = lambda _: None,
        *,
        retry_policy: RetryPolicy = RetryPolicy(),
    ) -> None:
        self._load = load
        self._unload = unload
        self._retry_policy = retry_policy
        self._changed = threading.Condition()
        self._slots = threading.Semaphore(_LOADS_AT_A_TIME)
        self._aspired: dict[str, Versions] = {}
        self._models: dict[str, dict[int, _Version[ServableT]]] = {}
        self._threads: set[threading.Thread] = set()
        self._to_unload: list[ServableT] = []

    def reconcile(self, aspired: Mapping[str, Versions]) -> None:
        """Begins to load versions that should be served, and to unload the others.

        Returns at once; `wait` waits for the loads.

        Args:
            aspired: the versions that should be served, by model; a model that is left out is
                unloaded.
        """
        with self._changed:
            self._aspired = {name: dict(of_one) for name, of_one in aspired.items() if of_one}
            for name in {**self._models, **self._aspired}:
                self._follow_policy(name)
                for number, path in self._aspired.get(name, {}).items():
                    self._models[name][number].path = path
            self._changed.notify_all()
        self._unload_idle()

    def wait(self, names: Collection[str]) -> None:
        """Waits until every aspired version of some models is available or has failed once.

        Args:
            names: of the models.
        """
        with self._changed:
            self._changed.wait_for(lambda: all(map(self._is_settled, names)))

    def close(self, timeout_s: float) -> None:
        """Unloads all versions, and ends loads that wait to be tried again.

        Args:
            timeout_s: seconds to wait for each load or unload under way.
        """
        self.reconcile({})
        with self._changed:
            threads = list(self._threads)
        for thread in threads:
            thread.join(timeout_s)

    @contextlib.contextmanager
    def use(self, name: str, number: int | None = None) -> Iterator[tuple[int, ServableT]]:
        """Holds a version, which stays loaded for as long as the context lasts.

        Args:
            name: of the model.
            number: of the version; None for the largest that is available.

        Yields:
            Number of the version and its servable.

        Raises:
            StatusError: NOT_FOUND, there is no such version.
        """
        with self._changed:
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
            with self._changed:
                version.requests -= 1
                self._end_if_idle(name, chosen, version)
                if self._to_unload:  # in another thread: this request does not wait for it
                    self._start(self._unload_idle, f"unload {name} {chosen}")

    def names(self) -> list[str]:
        """Every model ever seen."""
        with self._changed:
            return list(self._models)

    def statuses(self, name: str) -> dict[int, VersionStatus]:
        """Status of every version of a model ever seen, the largest first."""
        with self._changed:
            versions = self._models.get(name, {})
            return {
                number: VersionStatus(versions[number].state, versions[number].error)
                for number in sorted(versions, reverse=True)
            }

    def available(self) -> dict[str, list[int]]:
        """Numbers of the available versions, by model; models without any are left out."""
        with self._changed:
            numbers_by_model = {
                name: sorted(
                    number
                    for number, version in versions.items()
                    if version.state is State.AVAILABLE
                )
                for name, versions in sorted(self._models.items())
            }
        return {name: numbers for name, numbers in numbers_by_model.items() if numbers}

    def _unload_idle(self) -> None:
        """Unloads servables that no request uses, without the lock: it may take long."""
        while self._to_unload:
            with self._changed:
                servable = self._to_unload.pop() if self._to_unload else None
            if servable is not None:
                self._unload(servable)

    # The methods below need the lock, all but `_load_until_done` and `_try_to_load`.

    def _start(self, target: Callable[..., None], name: str, *arguments: object) -> None:
        """Runs a function in its own thread, which `close` waits for."""

        def run() -> None:
            target(*arguments)
            with self._changed:
                self._threads.discard(thread)

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.add(thread)
        thread.start()

    def _is_aspired(self, name: str, number: int) -> bool:
        return number in self._aspired.get(name, {})

    def _is_settled(self, name: str) -> bool:
        versions = [self._models[name][number] for number in self._aspired.get(name, {})]
        return all(v.state is not State.LOADING or v.error is not None for v in versions)

    def _follow_policy(self, name: str) -> None:
        """Does what the policy says about the versions of a model."""
        aspired = self._aspired.get(name, {})
        versions = self._models.setdefault(name, {})
        snapshots = {
            number: VersionSnapshot(version.state, version.path, version.forgotten)
            for number, version in versions.items()
        }
        for number, action in next_actions(snapshots, aspired).items():
            if action is Action.LOAD:
                versions[number] = _Version(aspired[number])
                thread_name = f"load {name} {number}"
                self._start(self._load_until_done, thread_name, name, number, versions[number])
            elif action is Action.KEEP:
                versions[number].state = State.AVAILABLE
            elif action is Action.UNLOAD:
                versions[number].state = State.UNLOADING
                self._end_if_idle(name, number, versions[number])
            else:
                versions[number].forgotten = True

    def _load_until_done(self, name: str, number: int, version: _Version[ServableT]) -> None:
        """Tries to load a version as often as `RetryPolicy` says, while it is aspired."""
        for retries_left in range(self._retry_policy.retries, -1, -1):
            result = self._try_to_load(name, number, version.path)
            with self._changed:
                if isinstance(result, StatusError):
                    version.error = result
                    if retries_left:
                        self._changed.notify_all()
                        self._changed.wait_for(
                            lambda: not self._is_aspired(name, number),
                            self._retry_policy.interval_s,
                        )
                        if self._is_aspired(name, number):
                            continue
                elif self._is_aspired(name, number):
                    version.servable, version.error = result, None
                    version.state = State.AVAILABLE
                    logger.info("%s version %d: available", name, number)
                else:
                    self._to_unload.append(result)
                if version.state is State.LOADING:
                    version.state = State.END
                self._follow_policy(name)
                self._changed.notify_all()
            del result
            self._unload_idle()
            return

    def _try_to_load(self, name: str, number: int, path: pathlib.Path) -> ServableT | StatusError:
        with self._slots:
            logger.info("%s version %d: loading from %s", name, number, path)
            try:
                return self._load(path)
            except StatusError as error:
                problem = error
            except Exception as error:  # noqa: BLE001 - no folder may take the server down
                message = f"{type(error).__name__}: {error}"
                problem = StatusError(grpc.StatusCode.UNKNOWN, message)
        logger.error("%s version %d: cannot be loaded: %s", name, number, problem)
        return problem

    def _end_if_idle(self, name: str, number: int, version: _Version[ServableT]) -> None:
        """Ends a version that is to be unloaded and that no request uses."""
        if version.state is State.UNLOADING and version.requests == 0:
            assert version.servable is not None
            self._to_unload.append(version.servable)
            version.state, version.servable = State.END, None
            version.forgotten = True
            logger.info("%s version %d: unloaded", name, number)
