"""Concurrent requests are merged along dimension 0, run as one, and taken apart again.

`batched_function.py` is the place to start; `scheduler.py` decides what runs together and when.
"""

from serving.server.batching import parameters
from serving.server.batching.batched_function import ArrayFunction, BatchedFunction
from serving.server.batching.parameters import BatchingParameters
from serving.server.batching.server_batching import ServerBatching

__all__ = ["ArrayFunction", "BatchedFunction", "BatchingParameters", "ServerBatching", "parameters"]
