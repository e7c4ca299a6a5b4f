"""Watches the folders that models are pushed to: `<serving root>/<model>/<version>/`."""

import abc
import logging
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from tensorflow_serving.config import model_server_config_pb2
from tensorflow_serving.config.file_system_storage_path_source_pb2 import (
    FileSystemStoragePathSourceConfig,
)

from serving.server.core import version_policy
from serving.server.core.version_policy import Versions
from serving.server.version_folders import find_versions

logger = logging.getLogger(__name__)

VersionPolicy: TypeAlias = FileSystemStoragePathSourceConfig.ServableVersionPolicy


class Source(abc.ABC):
    """Finds versions of models.

    As in TensorFlow Serving, a model whose base path is missing or cannot be read keeps its
    versions: a fault of the disk must not unload them.

    Attributes:
        versions: result of the last poll.
        problems: why no versions were found, by model.

    Args:
        versions: result of the last poll of an earlier source.
    """

    _lists_folders = False  # whether a folder is a model only if it holds a version

    def __init__(self, versions: Mapping[str, Versions] | None = None) -> None:
        self.versions: Mapping[str, Versions] = dict(versions or {})
        self.problems: Mapping[str, str] = {}

    def poll(self) -> Mapping[str, Versions]:
        """Looks for versions.

        Returns:
            The versions that should be served now, by model.

        Raises:
            OSError: no model could be read.
        """
        versions: dict[str, Versions] = {}
        problems: dict[str, str] = {}
        for name, base_path, policy in self._models():
            try:
                found: Versions = version_policy.choose(policy, find_versions(base_path))
                problem = "" if found else f"no versions found at {base_path}"
            except OSError as error:
                if self._lists_folders and isinstance(error, FileNotFoundError):
                    continue  # removed since the root was listed
                found, problem = self.versions.get(name, {}), str(error)
            if found or not self._lists_folders:
                versions[name] = found
            if problem:
                problems[name] = problem
                if self.problems.get(name) != problem:  # not at every poll again
                    logger.warning("%s: nothing new to serve: %s", name, problem)
        self.versions, self.problems = versions, problems
        return versions

    @abc.abstractmethod
    def _models(self) -> Iterator[tuple[str, pathlib.Path, VersionPolicy]]:
        """Name, base path and version policy of each model."""


class ConfigSource(Source):
    """The models of a `ModelConfigList`, each with its own base path and version policy.

    Args:
        models: the configs, with unique names and absolute base paths.
        versions: see `Source`.
    """

    def __init__(
        self,
        models: Sequence[model_server_config_pb2.ModelConfig],
        versions: Mapping[str, Versions] | None = None,
    ) -> None:
        super().__init__(versions)
        self._configs = list(models)

    def _models(self) -> Iterator[tuple[str, pathlib.Path, VersionPolicy]]:
        for config in self._configs:
            yield config.name, pathlib.Path(config.base_path), config.model_version_policy


class RootSource(Source):
    """The latest version of every model under a serving root: `<root>/<model>/<version>/`.

    A folder without a version is no model, nor is one whose name begins with a dot.

    Args:
        root: the serving root.
    """

    _lists_folders = True

    def __init__(self, root: pathlib.Path) -> None:
        super().__init__()
        self._root = root

    def _models(self) -> Iterator[tuple[str, pathlib.Path, VersionPolicy]]:
        for path in sorted(self._root.iterdir()):
            if path.is_dir() and not path.name.startswith("."):
                yield path.name, path, VersionPolicy()
