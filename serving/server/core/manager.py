"""Which versions of which models are loaded, and who is using them."""

import contextlib
import dataclasses
import enum
import logging
import pathlib
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Generic, TypeVar

import grpc

from serving.server.core.version_policy import Versions
from serving.server.errors import StatusError

logger = logging.getLogger(__name__)

ServableT = TypeVar("ServableT")

_LOADS_AT_A_TIME = 4
"""So that one load that hangs, on a network drive say, holds up no other model."""


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
        state: where in its life it is; `LOADING` also between two tries, `END` once it was
            unloaded or given up.
        error: why it could not be loaded, the last time it was tried; or None.
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
    path: pathlib.Path
    state: State = State.LOADING
    error: StatusError | None = None
    servable: ServableT | None = None
    requests: int = 0
    dropped: bool = False
    """It ended and was no longer wanted since: should it be wanted again, it starts afresh."""


class Manager(Generic[ServableT]):
    """Loads and unloads versions without ever leaving a model unserved in between.

    TensorFlow Serving's availability-preserving policy (`availability_preserving_policy.cc`):
    old versions are unloaded once a wanted one is available (until then all but the largest
    of them), and then as soon as the last request that uses them has ended. A load that
    fails changes nothing but the failed version's status. Each load has its own thread, a few
    work at a time; one that ends after its version was removed is thrown away.

    Args:
        load: makes the servable of a version from its folder; whatever it raises is a
            failed load. Called from several threads.
        unload: frees what a servable holds; called once for each that was loaded, when the
            last request that uses it has ended, from any thread.
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
        self._wanted: dict[str, Versions] = {}
        self._models: dict[str, dict[int, _Version[ServableT]]] = {}
        self._threads: set[threading.Thread] = set()
        self._to_unload: list[ServableT] = []

    def reconcile(self, wanted: Mapping[str, Versions]) -> None:
        """Begins to load what is wanted and new, and to unload what is no longer wanted.

        Returns at once; `wait` waits for the loads.

        Args:
            wanted: the versions that should be served, by model; a model that is left
                out is unloaded.
        """
        with self._changed:
            self._wanted = {name: dict(versions) for name, versions in wanted.items()}
            for name, versions in self._wanted.items():
                for number in sorted(versions, reverse=True):
                    self._begin(name, number, versions[number])
            for name in self._models:
                self._retire(name)
            self._changed.notify_all()
        self._free()

    def wait(self, names: Collection[str]) -> None:
        """Waits until every wanted version of some models is available or has failed once.

        Args:
            names: of the models.
        """
        with self._changed:
            self._changed.wait_for(lambda: all(map(self._is_settled, names)))

    def close(self, timeout_s: float) -> None:
        """Lets go of all versions and of loads that wait to be tried again.

        Args:
            timeout_s: seconds that each load or unload under way may still take.
        """
        self.reconcile({})
        with self._changed:
            threads = list(self._threads)
        for thread in threads:
            thread.join(timeout_s)

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
                self._unload_if_idle(name, chosen, version)
                if self._to_unload:  # which is not for this request to wait for
                    self._start(self._free, f"unload {name} {chosen}")

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
        """Numbers of the versions that can be asked, by model; models without any left out."""
        with self._changed:
            found = {
                name: sorted(
                    number
                    for number, version in versions.items()
                    if version.state is State.AVAILABLE
                )
                for name, versions in sorted(self._models.items())
            }
        return {name: numbers for name, numbers in found.items() if numbers}

    def _free(self) -> None:
        """Unloads what nobody uses any more, while nobody waits for it: it may take long."""
        while self._to_unload:
            with self._changed:
                servable = self._to_unload.pop() if self._to_unload else None
            if servable is not None:
                self._unload(servable)

    # Of what follows, all but `_load_until_done` needs the lock to be held.

    def _start(self, target: Callable[..., None], name: str, *arguments: object) -> None:
        """Runs something in a thread of its own, which `close` waits for."""

        def run() -> None:
            target(*arguments)
            with self._changed:
                self._threads.discard(thread)

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.add(thread)
        thread.start()

    def _is_wanted(self, name: str, number: int) -> bool:
        return number in self._wanted.get(name, {})

    def _is_settled(self, name: str) -> bool:
        versions = [self._models[name][number] for number in self._wanted.get(name, {})]
        return all(v.state is not State.LOADING or v.error is not None for v in versions)

    def _begin(self, name: str, number: int, path: pathlib.Path) -> None:
        """Starts to load a wanted version unless it is loaded, being loaded or given up.

        A version given up is tried afresh if it now lies elsewhere.
        """
        versions = self._models.setdefault(name, {})
        version = versions.get(number)
        if version is not None and version.state is State.UNLOADING:
            version.state = State.AVAILABLE  # a request has kept it
            return
        if version is not None and not version.dropped:
            given_up = version.state is State.END
            moved, version.path = version.path != path, path
            if not (given_up and moved):
                return
        versions[number] = version = _Version(path)
        self._start(self._load_until_done, f"load {name} {number}", name, number, version)

    def _load_until_done(self, name: str, number: int, version: _Version[ServableT]) -> None:
        """Tries to load a version as often as the policy says, while it is wanted."""
        for retries_left in range(self._retry_policy.retries, -1, -1):
            result = self._try_to_load(name, number, version.path)
            with self._changed:
                if isinstance(result, StatusError):
                    version.error = result
                    if retries_left:
                        self._changed.notify_all()
                        self._changed.wait_for(
                            lambda: not self._is_wanted(name, number),
                            self._retry_policy.interval_s,
                        )
                        if self._is_wanted(name, number):
                            continue
                elif self._is_wanted(name, number):
                    version.servable, version.error = result, None
                    version.state = State.AVAILABLE
                    logger.info("%s version %d: available", name, number)
                else:
                    self._to_unload.append(result)
                if version.state is State.LOADING:
                    version.state = State.END
                self._retire(name)
                self._changed.notify_all()
            del result
            self._free()
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

    def _retire(self, name: str) -> None:
        """Unloads versions that are not wanted, as far as the model stays available."""
        wanted = self._wanted.get(name, {})
        versions = self._models[name]
        unwanted = []
        for number in sorted(versions):
            if number in wanted:
                continue
            if versions[number].state is State.END:
                versions[number].dropped = True
            elif versions[number].state is State.AVAILABLE:
                unwanted.append(number)
        if wanted and not any(versions[number].state is State.AVAILABLE for number in wanted):
            unwanted = unwanted[:-1]
        for number in unwanted:
            versions[number].state = State.UNLOADING
            self._unload_if_idle(name, number, versions[number])

    def _unload_if_idle(self, name: str, number: int, version: _Version[ServableT]) -> None:
        """Drops the servable of a retired version that nobody uses."""
        if version.state is State.UNLOADING and version.requests == 0:
            assert version.servable is not None
            self._to_unload.append(version.servable)
            version.state, version.servable = State.END, None
            version.dropped = True
            logger.info("%s version %d: unloaded", name, number)
