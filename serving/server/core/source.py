"""Watches the folders that models are pushed to: `<serving root>/<model>/<version>/`."""

import logging
import pathlib
from collections.abc import Mapping, Sequence
from typing import Protocol

from tensorflow_serving.config import model_server_config_pb2

from serving.server.core import version_policy
from serving.server.core.version_policy import Versions
from serving.server.version_folders import find_versions

logger = logging.getLogger(__name__)


class Source(Protocol):
    """Finds versions of models.

    Attributes:
        versions: result of the last poll.
        problems: why the folder of a model could not be read, by model.
    """

    versions: Mapping[str, Versions]
    problems: Mapping[str, str]

    def poll(self) -> Mapping[str, Versions]:
        """Looks for versions.

        Returns:
            The versions that should be served now, by model.

        Raises:
            OSError: no model could be read.
        """


class ConfigSource:
    """The models of a `ModelConfigList`, each with its own base path and version policy.

    As in TensorFlow Serving, a model whose base path is missing or cannot be read keeps its
    versions: a fault of the disk must not unload them.

    Args:
        models: the configs, with unique names and absolute base paths.
        versions: result of the last poll of an earlier source.
    """

    def __init__(
        self,
        models: Sequence[model_server_config_pb2.ModelConfig],
        versions: Mapping[str, Versions] | None = None,
    ) -> None:
        self._models = list(models)
        self.problems: Mapping[str, str] = {}
        self.versions: Mapping[str, Versions] = dict(versions or {})

    def poll(self) -> Mapping[str, Versions]:
        """See `Source.poll`."""
        versions: dict[str, Versions] = {}
        problems: dict[str, str] = {}
        for model in self._models:
            try:
                of_model = find_versions(pathlib.Path(model.base_path))
            except OSError as error:
                problems[model.name] = _warn_if_new(model.name, error, self.problems)
                versions[model.name] = self.versions.get(model.name, {})
                continue
            versions[model.name] = version_policy.choose(model.model_version_policy, of_model)
        self.versions, self.problems = versions, problems
        return versions


class RootSource:
    """The latest version of every model under a serving root: `<root>/<model>/<version>/`.

    Folders whose name begins with a dot are not models. A model whose folder cannot be read
    keeps its versions: a fault of the disk must not unload them.
    """

    def __init__(self, root: pathlib.Path) -> None:
        self._root = root
        self.problems: Mapping[str, str] = {}
        self.versions: Mapping[str, Versions] = {}

    def poll(self) -> Mapping[str, Versions]:
        """See `Source.poll`."""
        versions: dict[str, Versions] = {}
        problems: dict[str, str] = {}
        for path in sorted(self._root.iterdir()):
            if path.name.startswith(".") or not path.is_dir():
                continue
            try:
                versions[path.name] = version_policy.latest(find_versions(path))
            except FileNotFoundError:
                continue  # removed since the root was listed
            except OSError as error:
                problems[path.name] = _warn_if_new(path.name, error, self.problems)
                versions[path.name] = self.versions.get(path.name, {})
                continue
        self.versions, self.problems = versions, problems
        return versions


def _warn_if_new(name: str, error: OSError, known: Mapping[str, str]) -> str:
    """Logs why a model cannot be polled, unless the last poll failed for the same reason."""
    problem = str(error)
    if known.get(name) != problem:
        logger.warning("%s: cannot look for versions: %s", name, problem)
    return problem
