"""Loaded versions of models, and how their signatures are run.

`servable.py` is the place to start; `loading.py` makes a version ready to serve.
"""

from serving.server.servables import inference, tensor_proto
from serving.server.servables.loading import load_servable
from serving.server.servables.servable import Servable

__all__ = ["Servable", "inference", "load_servable", "tensor_proto"]
