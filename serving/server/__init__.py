"""An embedded server that speaks TensorFlow Serving's API, over gRPC and REST.

`server.py` is the place to start: it puts together what the rooms hold, as `options.py` says.
A request is admitted (`admission/`), translated by its transport (`grpc_api/`, `rest_api/`),
answered by `api.py`, which borrows a version from `core/` and runs it by `servables/`, merged with
others by `batching/`, and reported to `monitoring/`. Most modules load TensorFlow, so that nothing
is exported here: import from the modules (`from serving.server.model_server import ModelServer`).
"""
