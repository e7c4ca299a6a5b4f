"""The client: finds the faces of a video and asks a model server about them.

`client.py` is the place to start. `session.py` holds what `Client` and `AsyncClient` have in
common: everything but waiting.
"""

from data.video import find_videos
from serving.client.async_client import AsyncClient
from serving.client.client import Client
from serving.client.connection import Tls
from serving.client.errors import ServingError
from serving.client.streaming import TimedFrame, open_source

__all__ = [
    "AsyncClient",
    "Client",
    "ServingError",
    "TimedFrame",
    "Tls",
    "find_videos",
    "open_source",
]
