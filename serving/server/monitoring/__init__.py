"""What is told of requests: metrics, logs and samples of requests."""
