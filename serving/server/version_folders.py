"""The folders of a model's versions: `<base path>/<version>/saved_model.pb`."""

import functools
import logging
import pathlib

logger = logging.getLogger(__name__)

SAVED_MODEL = "saved_model.pb"
"""The file that makes a numbered folder a version."""

_MAX_VERSION = 2**63 - 1  # ModelSpec.version is an int64


def version_number(name: str) -> int | None:
    """The version that the name of a folder stands for.

    Example:
        >>> [version_number(name) for name in ("12", "007", "latest")]
        [12, 7, None]

    Args:
        name: of the folder.

    Returns:
        The number, which fits an int64. None unless the name is of ASCII digits.
    """
    number = int(name) if name.isascii() and name.isdigit() else None
    return None if number is None or number > _MAX_VERSION else number


def find_versions(base_path: pathlib.Path) -> dict[int, pathlib.Path]:
    """Lists the versions of one model.

    A version is a folder named by a number that holds `saved_model.pb`. On a store without
    rename that file is written last, so a version without it is still being copied. Of folders
    that are the same version, such as `7` and `007`, the one that sorts last counts.

    Args:
        base_path: folder of the model.

    Returns:
        Folder of each version, by number.

    Raises:
        OSError: the folder cannot be read.
    """
    versions: dict[int, pathlib.Path] = {}
    for path in sorted(base_path.iterdir()):
        version = version_number(path.name)
        if version is not None and (path / SAVED_MODEL).is_file():
            if version in versions:
                _warn_once(path, versions[version])
            versions[version] = path
    return versions


@functools.cache
def _warn_once(path: pathlib.Path, other: pathlib.Path) -> None:
    """Folders are listed every second."""
    logger.warning("%s and %s are the same version; the first is served", path, other)
