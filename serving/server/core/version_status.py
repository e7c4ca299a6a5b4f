"""What became of the versions of a model."""

import dataclasses
import enum

from serving.server.errors import StatusError


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
        state: `LOADING` also between two tries; `END` once it was unloaded or given up.
        error: why its last load failed; or None.
    """

    state: State
    error: StatusError | None
