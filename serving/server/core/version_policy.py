"""TensorFlow Serving's version policies: which of a model's versions are served.

Semantics are those of `file_system_storage_path_source.cc`.
"""

import pathlib
from collections.abc import Mapping

from tensorflow_serving.config.file_system_storage_path_source_pb2 import (
    FileSystemStoragePathSourceConfig,
)

Versions = Mapping[int, pathlib.Path]
"""Folder of each version of one model."""


def choose(
    policy: FileSystemStoragePathSourceConfig.ServableVersionPolicy, versions: Versions
) -> dict[int, pathlib.Path]:
    """Applies the policy of a model's config; `latest(1)` if it has none.

    Example:
        >>> policy = FileSystemStoragePathSourceConfig.ServableVersionPolicy()
        >>> policy.latest.num_versions = 2
        >>> list(choose(policy, {number: pathlib.Path(str(number)) for number in (1, 10, 9)}))
        [9, 10]
    """
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        return dict(versions)
    if choice == "specific":
        return {number: versions[number] for number in versions.keys() & policy.specific.versions}
    latest = sorted(versions)[-max(policy.latest.num_versions, 1) :]
    return {number: versions[number] for number in latest}
