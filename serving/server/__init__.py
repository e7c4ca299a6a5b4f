"""An embedded server that speaks TensorFlow Serving's API, over gRPC and REST.

`source` watches folders, `version_policy` chooses among what it finds, `manager` loads and
unloads versions, `loading` makes a `servable` ready, `labels` name versions, and `server_core`
holds them together under one `configuration`. `api` answers messages (Classify, Regress and
MultiInference through `inference`); `grpc_server` and `rest` put a transport around it, each
behind a door (`access`, `health`, `limits`). `batching` merges requests, `observers` (`metrics`,
`logs`, `request_log`) are told of every answer. `server` starts it all by its `options`, which
`flags` or `unmask serve` set.
"""
