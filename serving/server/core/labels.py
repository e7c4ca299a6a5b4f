"""Labels of versions, such as `stable` and `canary`."""

import threading
from collections.abc import Callable, Sequence

import grpc
from tensorflow_serving.config import model_server_config_pb2

from serving.server.errors import StatusError, invalid_argument


class VersionLabels:
    """Version labels of all models; safe to use from many threads.

    Rules and messages are those of `ServerCore::UpdateModelVersionLabelMap`.

    Args:
        allow_unavailable: whether a new label may be given to a version that is not available.
            A label that moves from another version may not.

    Example:
        >>> model = model_server_config_pb2.ModelConfig(name="m", version_labels={"stable": 3})
        >>> labels = VersionLabels()
        >>> labels.assign([model], is_available=lambda name, version: True)
        >>> labels.version("m", "stable")
        3
    """

    def __init__(self, allow_unavailable: bool = False) -> None:
        self._allow_unavailable = allow_unavailable
        self._lock = threading.Lock()
        self._versions: dict[tuple[str, str], int] = {}

    def assign(
        self,
        models: Sequence[model_server_config_pb2.ModelConfig],
        is_available: Callable[[str, int], bool],
    ) -> None:
        """Replaces all labels by those of the configs; if one is refused, nothing changes.

        Args:
            models: the configs.
            is_available: whether a version of a model is available.

        Raises:
            StatusError: FAILED_PRECONDITION, a label's version is not available.
        """
        with self._lock:
            versions = {}
            for model in models:
                for label, version in sorted(model.version_labels.items()):
                    key = (model.name, label)
                    moves = self._versions.get(key, version) != version
                    needed = moves or not self._allow_unavailable
                    if needed and not is_available(model.name, version):
                        raise StatusError(
                            grpc.StatusCode.FAILED_PRECONDITION,
                            f"Request to assign label to version {version} of model "
                            f"{model.name}, which is not currently available for inference",
                        )
                    versions[key] = version
            self._versions = versions

    def version(self, name: str, label: str) -> int:
        """The version of a model with a label.

        Raises:
            StatusError: INVALID_ARGUMENT, there is no such label.
        """
        with self._lock:
            version = self._versions.get((name, label))
        if version is None:
            raise invalid_argument(f"Unrecognized servable version label: {label}")
        return version
