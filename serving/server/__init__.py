"""An embedded server that speaks TensorFlow Serving's gRPC API.

`source` watches folders, `manager` loads and unloads versions, `servable` runs one loaded
version, `handlers` translates requests, `server` puts them together.
"""
