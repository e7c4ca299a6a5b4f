"""Serving: a model server, and the client that asks it about videos.

Neither knows how a model was made. `serving.client` is the place to start for who asks,
`serving.server` for who answers, and `serving.prediction` for what an answer looks like.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from serving.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client"]


def __getattr__(name: str) -> Any:
    """Imports the client when it is first asked for: TensorFlow comes with it, for seconds."""
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    import serving.client

    return getattr(serving.client, name)
