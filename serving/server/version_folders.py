"""The folders of a model's versions: `<base path>/<version>/saved_model.pb`."""

import pathlib

SAVED_MODEL = "saved_model.pb"
"""The file that makes a numbered folder a version."""

_MAX_VERSION = 2**63 - 1  # ModelSpec.version is an int64


def version_number(name: str) -> int | None:
    """The version that the name of a folder stands for.

    Example:
        >>> [version_number(name) for name in ("12", "007", "latest")]
        [12, None, None]

    Args:
        name: of the folder.

    Returns:
        The number, which fits an int64. None unless the name is the number's one spelling in
        ASCII digits: with leading zeros, two folders could be the same version.
    """
    if not (name.isascii() and name.isdigit()):
        return None
    number = int(name)
    return number if str(number) == name and number <= _MAX_VERSION else None


def find_versions(base_path: pathlib.Path) -> dict[int, pathlib.Path]:
    """Lists the versions of one model.

    A version is a folder named by a number that holds `saved_model.pb`. On a store without
    rename that file is written last, so a version without it is still being copied.

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
        if version is not None and (path / SAVED_MODEL).is_file():
            versions[version] = path
    return versions
