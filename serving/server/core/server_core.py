"""The models of a server under one config: source, manager and labels together.

Rules, messages and the name are those of TensorFlow Serving's `ServerCore`.
"""

import logging
import pathlib
import threading
from collections.abc import Callable, Iterable, Iterator

import grpc
from tensorflow_serving.apis import model_pb2
from tensorflow_serving.config import model_server_config_pb2

from serving.server.core import configuration
from serving.server.core.labels import VersionLabels
from serving.server.core.manager import Manager, RetryPolicy
from serving.server.core.source import ConfigSource, Source
from serving.server.core.version_status import State
from serving.server.errors import StatusError, invalid_argument
from serving.server.servables import Servable

logger = logging.getLogger(__name__)

Models = Iterable[model_server_config_pb2.ModelConfig]


class ServerCore:
    """The models that are served; safe to use from many threads.

    Attributes:
        manager: loads and unloads the versions.

    Args:
        load: makes the servable of a version from its folder.
        source: finds versions until a config is adopted.
        retry_policy: when a failed load is tried again.
        allow_version_labels_for_unavailable_models: see `VersionLabels`.
        on_adopt: called with the models of every config before anything else changes; may raise
            `StatusError` to refuse them.
    """

    def __init__(
        self,
        load: Callable[[pathlib.Path], Servable],
        source: Source,
        *,
        retry_policy: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
        allow_version_labels_for_unavailable_models: bool = False,
        on_adopt: Callable[[Models], None] = lambda _: None,
    ) -> None:
        self._on_adopt = on_adopt
        self.manager: Manager[Servable] = Manager(load, Servable.close, retry_policy=retry_policy)
        self._labels = VersionLabels(allow_version_labels_for_unavailable_models)
        self._changing = threading.Lock()
        self._source = source
        self._models: dict[str, model_server_config_pb2.ModelConfig] = {}

    def poll(self) -> None:
        """Looks for versions and begins to load and unload accordingly."""
        with self._changing:
            self._poll()

    def wait_for_loads(self) -> None:
        """Waits until every version of the source is available or has failed once."""
        self.manager.wait(list(self._source.versions))

    def is_ready(self) -> bool:
        """Whether there are models, and each has an available version."""
        models = set(self._source.versions)
        return bool(models) and models <= set(self.manager.available())

    def adopt(
        self, config: model_server_config_pb2.ModelServerConfig
    ) -> list[model_server_config_pb2.ModelConfig]:
        """Begins to serve the models of a config, and to unload all others.

        Nothing changes if the config is refused.

        Args:
            config: with a list of models; without one the list is empty.

        Returns:
            The models that are new, or have another base path or policy.

        Raises:
            StatusError: INVALID_ARGUMENT, the config is wrong; FAILED_PRECONDITION, a label is
                assigned to a version that is not available.
        """
        configuration.check(config)
        models = config.model_config_list.config
        with self._changing:
            self._on_adopt(models)
            self._labels.assign(models, self._is_available)
            changed = [model for model in models if self._differs(model)]
            self._models = {model.name: model for model in models}
            self._source = ConfigSource(models, self._source.versions)
            self._poll()
        return changed

    def reload_config(self, config: model_server_config_pb2.ModelServerConfig) -> None:
        """Adopts a config, and waits until each of its versions is available or has failed once.

        Args:
            config: see `adopt`.

        Raises:
            StatusError: of `adopt`; UNKNOWN, some models that the config changes have no
                versions, or versions that failed to load; these are tried again nevertheless.
        """
        changed = self.adopt(config)
        self.manager.wait([model.name for model in config.model_config_list.config])
        problems = [problem for model in changed for problem in self._problems(model)]
        if problems:
            listed = "".join(f"{{{problem}}}, " for problem in problems)
            raise StatusError(
                grpc.StatusCode.UNKNOWN,
                f"{len(problems)} model(s) did not become available: {{{listed}}}",
            )

    def resolve(self, spec: model_pb2.ModelSpec) -> tuple[str, int | None]:
        """The model and version of a request.

        Args:
            spec: of the request.

        Returns:
            Name of the model; number of the version, None for the latest.

        Raises:
            StatusError: INVALID_ARGUMENT, the name is missing or the label is unknown.
        """
        if not spec.name:
            raise invalid_argument("ModelSpec has no name specified.")
        choice = spec.WhichOneof("version_choice")
        if choice == "version_label":
            return spec.name, self._labels.version(spec.name, spec.version_label)
        return spec.name, spec.version.value if choice == "version" else None

    def _poll(self) -> None:
        try:
            versions = self._source.poll()
        except OSError as error:
            logger.warning("cannot look for models, what serves stays: %s", error)
            return
        self.manager.reconcile(versions)

    def _is_available(self, name: str, number: int) -> bool:
        status = self.manager.statuses(name).get(number)
        return status is not None and status.state is State.AVAILABLE

    def _differs(self, model: model_server_config_pb2.ModelConfig) -> bool:
        known = self._models.get(model.name)
        return known is None or (known.base_path, known.model_version_policy) != (
            model.base_path,
            model.model_version_policy,
        )

    def _problems(self, model: model_server_config_pb2.ModelConfig) -> Iterator[str]:
        """Why versions of a model are not available."""
        source = self._source
        versions = source.versions.get(model.name, {})
        if model.name in source.problems or not versions:
            reason = source.problems.get(model.name, f"no versions found at {model.base_path}")
            yield f"{{name: {model.name}}} due to error: {reason}"
            return
        statuses = self.manager.statuses(model.name)
        for number in sorted(set(versions) & set(statuses)):
            error = statuses[number].error
            if error is not None:
                yield (
                    f"{{name: {model.name} version: {number}}} due to error: "
                    f"{error.code.name}: {error.message}"
                )
