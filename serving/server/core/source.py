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
    """Where versions of models come from.

    Attributes:
        found: what the last look found.
        problems: why the folder of a model could not be read, by model.
    """

    found: Mapping[str, Versions]
    problems: Mapping[str, str]

    def poll(self) -> Mapping[str, Versions]:
        """Looks again.

        Returns:
            The versions that should be served now, by model.

        Raises:
            OSError: nothing can be known about any model.
        """


class ConfigSource:
    """The models of a `ModelConfigList`, each with its own base path and version policy.

    A model whose base path cannot be read, or is not there, keeps the versions it had, as in
    TensorFlow Serving: a fault of the disk must not unload what serves.

    Args:
        models: the configs, names unique and base paths absolute.
        known: what an earlier source found.
    """

    def __init__(
        self,
        models: Sequence[model_server_config_pb2.ModelConfig],
        known: Mapping[str, Versions] | None = None,
    ) -> None:
        self._models = list(models)
        self.problems: Mapping[str, str] = {}
        self.found: Mapping[str, Versions] = dict(known or {})

    def poll(self) -> Mapping[str, Versions]:
        """See `Source.poll`."""
        found: dict[str, Versions] = {}
        problems: dict[str, str] = {}
        for model in self._models:
            try:
                versions = find_versions(pathlib.Path(model.base_path))
            except OSError as error:
                problems[model.name] = _warn_if_new(model.name, error, self.problems)
                found[model.name] = self.found.get(model.name, {})
                continue
            found[model.name] = version_policy.choose(model.model_version_policy, versions)
        self.found, self.problems = found, problems
        return found


class RootSource:
    """The latest version of every model under a serving root: `<root>/<model>/<version>/`.

    Folders whose name begins with a dot are not models. A model whose folder cannot be read
    keeps the versions it had: a fault of the disk must not unload what serves.
    """

    def __init__(self, root: pathlib.Path) -> None:
        self._root = root
        self.problems: Mapping[str, str] = {}
        self.found: Mapping[str, Versions] = {}

    def poll(self) -> Mapping[str, Versions]:
        """See `Source.poll`."""
        found: dict[str, Versions] = {}
        problems: dict[str, str] = {}
        for path in sorted(self._root.iterdir()):
            if path.name.startswith(".") or not path.is_dir():
                continue
            try:
                found[path.name] = version_policy.latest(find_versions(path))
            except FileNotFoundError:
                continue  # removed since the root was listed
            except OSError as error:
                problems[path.name] = _warn_if_new(path.name, error, self.problems)
                found[path.name] = self.found.get(path.name, {})
                continue
        self.found, self.problems = found, problems
        return found


def _warn_if_new(name: str, error: OSError, known: Mapping[str, str]) -> str:
    """Logs what hinders a model's polling, but not at every poll again."""
    problem = str(error)
    if known.get(name) != problem:
        logger.warning("%s: cannot look for versions: %s", name, problem)
    return problem
