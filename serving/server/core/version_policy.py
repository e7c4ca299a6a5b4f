"""TensorFlow Serving's version policies: which of a model's versions are served.

Semantics are those of `file_system_storage_path_source.cc`.
"""

import pathlib
from collections.abc import Collection, Mapping

from tensorflow_serving.config.file_system_storage_path_source_pb2 import (
    FileSystemStoragePathSourceConfig,
)

Versions = Mapping[int, pathlib.Path]
"""Folder of each version of one model."""


def latest(versions: Versions, count: int = 1) -> dict[int, pathlib.Path]:
    """The versions with the largest numbers, at least one.

    Example:
        >>> list(latest({1: pathlib.Path("1"), 9: pathlib.Path("9"), 10: pathlib.Path("10")}, 2))
        [9, 10]
    """
    return {version: versions[version] for version in sorted(versions)[-max(count, 1) :]}


def every(versions: Versions) -> dict[int, pathlib.Path]:
    """All versions: the policy `all`."""
    return dict(versions)


def specific(versions: Versions, numbers: Collection[int]) -> dict[int, pathlib.Path]:
    """The versions with these numbers, as far as they exist."""
    return {version: path for version, path in versions.items() if version in numbers}


def choose(
    policy: FileSystemStoragePathSourceConfig.ServableVersionPolicy, versions: Versions
) -> dict[int, pathlib.Path]:
    """Applies the policy of a model's config; `latest(1)` if it has none."""
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        return every(versions)
    if choice == "specific":
        return specific(versions, policy.specific.versions)
    return latest(versions, policy.latest.num_versions)
