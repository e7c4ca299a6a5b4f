"""Metrics and logs of requests.

`observers.py` is the place to start: an observer is called with the outcome of every request.
`request_log.py` loads TensorFlow and is imported from its file.
"""

from serving.server.monitoring import logs, prometheus_text, request_id
from serving.server.monitoring.logs import RequestLogger
from serving.server.monitoring.metrics import DEFAULT_METRICS_PATH, Metrics
from serving.server.monitoring.observers import Observer, Outcome, notify

__all__ = [
    "DEFAULT_METRICS_PATH",
    "Metrics",
    "Observer",
    "Outcome",
    "RequestLogger",
    "logs",
    "notify",
    "prometheus_text",
    "request_id",
]
