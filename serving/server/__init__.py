"""An embedded server that speaks TensorFlow Serving's gRPC API.

`source` watches folders, `manager` loads and unloads versions, `servable` runs one loaded
version, `api` answers messages, `grpc_server` puts gRPC around it, `server` puts them together.
"""
