"""Watches the folders that models are pushed to: `<serving root>/<model>/<version>/`."""

import logging
import pathlib
from collections.abc import Mapping
from typing import Protocol

logger = logging.getLogger(__name__)

Versions = Mapping[int, pathlib.Path]
"""Folder of each version of one model."""

_MAX_VERSION = 2**63 - 1  # ModelSpec.version is an int64


class Source(Protocol):
    """Where versions of models come from."""

    def poll(self) -> Mapping[str, Versions]:
        """Looks again.

        Returns:
            The versions that exist now, by model.

        Raises:
            OSError: the folder cannot be read, so nothing is known about any model.
        """


def version_number(name: str) -> int | None:
    """The version that a folder's name stands for.

    Args:
        name: of the folder.

    Returns:
        The number, which fits an int64; None if the name is not its one spelling in ASCII
        digits: with leading zeros, two folders could be one version.
    """
    if not (name.isascii() and name.isdigit()):
        return None
    number = int(name)
    return number if str(number) == name and number <= _MAX_VERSION else None


def find_versions(base_path: pathlib.Path) -> dict[int, pathlib.Path]:
    """Lists the versions of one model.

    A version is a folder named by a number that holds `saved_model.pb`: on a store without
    rename that file is written last, so until it is there the version is still being copied.

    Args:
        base_path: folder of the model.

    Returns:
        Folder of each version, by number.

    Raises:
        OSError: the folder cannot be read.
    """
    versions = {}
    for path in sorted(base_path.iterdir()):
        version = version_number(path.name)
        if version is not None and (path / "saved_model.pb").is_file():
            versions[version] = path
    return versions


def latest(versions: Versions, count: int = 1) -> dict[int, pathlib.Path]:
    """TensorFlow Serving's version policy `latest`: the `count` largest numbers."""
    return {version: versions[version] for version in sorted(versions)[-count:]}


class BasePathSource:
    """One model in its own folder: `<base path>/<version>/`."""

    def __init__(self, name: str, base_path: pathlib.Path) -> None:
        self._name = name
        self._base_path = base_path

    def poll(self) -> dict[str, Versions]:
        """See `Source.poll`."""
        return {self._name: find_versions(self._base_path)}


class RootSource:
    """Every model under a serving root: `<root>/<model>/<version>/`.

    Folders whose name begins with a dot are not models. A model whose folder cannot be read
    keeps the versions it had: a fault of the disk must not unload what serves.
    """

    def __init__(self, root: pathlib.Path) -> None:
        self._root = root
        self._last: dict[str, Versions] = {}

    def poll(self) -> dict[str, Versions]:
        """See `Source.poll`."""
        found: dict[str, Versions] = {}
        for path in sorted(self._root.iterdir()):
            if path.name.startswith(".") or not path.is_dir():
                continue
            try:
                found[path.name] = find_versions(path)
            except FileNotFoundError:
                continue  # removed since the root was listed
            except OSError as error:
                logger.warning("%s: cannot look for versions: %s", path.name, error)
                found[path.name] = self._last.get(path.name, {})
        self._last = found
        return found
