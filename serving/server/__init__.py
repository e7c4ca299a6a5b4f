"""An embedded server that speaks TensorFlow Serving's gRPC API.

`source` watches folders, `version_policy` chooses among what it finds, `manager` loads and
unloads versions, `loading` makes a `servable` ready, `labels` name versions, and `server_core`
holds them together under one `configuration`. `api` answers messages (Classify, Regress and
MultiInference through `inference`), `handlers` puts gRPC around it, `server` starts it all by its
`options`, which `flags` or `unmask serve` set.
"""
