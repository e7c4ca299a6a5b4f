"""The gRPC transport. `server.py` is the place to start; `calls.py` answers a call."""

from serving.server.grpc_api.server import GrpcServer

__all__ = ["GrpcServer"]
