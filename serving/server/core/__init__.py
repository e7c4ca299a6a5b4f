"""What is served and how it changes: sources of versions, their policies, labels, the manager.

`server_core.py` is the place to start; it loads TensorFlow and is imported from its file.
"""

from serving.server.core import configuration
from serving.server.core.manager import Manager, RetryPolicy
from serving.server.core.source import ConfigSource, RootSource, Source
from serving.server.core.version_status import State, VersionStatus

__all__ = [
    "ConfigSource",
    "Manager",
    "RetryPolicy",
    "RootSource",
    "Source",
    "State",
    "VersionStatus",
    "configuration",
]
