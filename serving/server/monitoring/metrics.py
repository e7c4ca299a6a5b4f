"""The metrics of a server, under TensorFlow Serving's names."""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import grpc
from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.registry import Collector

from serving.server.monitoring import prometheus_text
from serving.server.monitoring.metric_types import Counter, Histogram, exponential_buckets
from serving.server.monitoring.observers import Outcome

DEFAULT_METRICS_PATH = "/monitoring/prometheus/metrics"
"""TensorFlow Serving's path of the metrics, unless `monitoring_config` has another."""

UNKNOWN_MODEL = "unmask_unknown"
"""The label of requests for models that are not served, so that a client that sends many unknown
names makes no new time series; TensorFlow Serving makes one for each name."""

States = Mapping[str, Mapping[int, str]]
"""State of every version of every model, such as `{"xception": {1: "AVAILABLE"}}`."""

# `Exponential(10, 1.8, 33)` and so on in TensorFlow Serving's util.cc, saved_model_warmup_util.cc
# and batching_session.cc; microseconds.
_LATENCY = exponential_buckets(10, 1.8, 33)
_QUEUING = exponential_buckets(100, 1.2, 52)
_COUNTS = exponential_buckets(1, 2, 15)

_INFERENCE = {"Predict", "Classify", "Regress", "MultiInference"}


class Metrics(Collector):
    """Counts requests of one server; safe to use from many threads.

    Args:
        states: returns the versions when the metrics are read. Their models, and models that
            have answered a request, are counted under their own names.
    """

    def __init__(self, states: Callable[[], States] = dict) -> None:
        self._states = states
        self._lock = threading.Lock()
        self._known: set[str] = set()
        prefix = ":tensorflow:serving:"
        wall_time = "Distribution of wall time (in microseconds) for"
        self._requests = Counter(
            f"{prefix}request_count", "The total number of requests.", ("model_name", "status")
        )
        self._request_latency = Histogram(
            f"{prefix}request_latency",
            f"{wall_time} Tensorflow Serving request.",
            ("model_name", "API", "entrypoint"),
            _LATENCY,
        )
        self._runtime_latency = Histogram(
            f"{prefix}runtime_latency",
            f"{wall_time} Tensorflow runtime.",
            ("model_name", "API", "runtime"),
            _LATENCY,
        )
        examples = "The number of tensorflow.Examples per request."
        self._example_counts = Histogram(
            f"{prefix}request_example_counts", examples, ("model",), _COUNTS
        )
        examples = "The total number of tensorflow.Examples."
        self._example_total = Counter(f"{prefix}request_example_count_total", examples, ("model",))
        self._warmup_latency = Histogram(
            f"{prefix}model_warmup_latency",
            f"{wall_time} warming up the model.",
            ("model_path", "status"),
            _LATENCY,
        )
        self._queuing_latency = Histogram(
            f"{prefix}batching_session:queuing_latency",
            "Distribution of wall time spent (in microseconds) in queuing",
            ("thread_pool_name",),
            _QUEUING,
        )
        runs = "Total count of run calls on the wrapped session"
        self._wrapped_runs = Counter(f"{prefix}batching_session:wrapped_run_count", runs, ())
        self._families = [m for m in vars(self).values() if isinstance(m, Counter | Histogram)]
        self.registry = CollectorRegistry()
        """Callers may add collectors to it."""
        self.registry.register(self)
        ProcessCollector(registry=self.registry)

    def observe(self, outcome: Outcome) -> None:
        """An observer: counts an inference request.

        TensorFlow Serving names the API `Predict` over gRPC and `predict` over REST. As there, only
        requests that succeeded are counted in the latencies.
        """
        if outcome.method not in _INFERENCE:
            return
        api = outcome.method.lower() if outcome.transport == "rest" else outcome.method
        model_name, examples = outcome.model, _count_examples(outcome.request)
        succeeded = outcome.code is grpc.StatusCode.OK
        if not succeeded and model_name not in self._known and model_name not in self._states():
            model_name = UNKNOWN_MODEL
        with self._lock:
            if succeeded:
                self._known.add(model_name)
                labels = (model_name, api, outcome.transport.upper())
                self._request_latency.add(labels, outcome.seconds * 1e6)
                if examples is not None:
                    self._example_counts.add((model_name,), examples)
                    self._example_total.add((model_name,), examples)
            self._requests.add((model_name, outcome.code.name))

    def observe_runtime(self, api: str, model_name: str, seconds: float) -> None:
        """Records how long a model computed for one request.

        Args:
            api: `Predict`, `Classify` or `Regress`, over gRPC and REST alike.
            model_name: a model that is served.
            seconds: of the computation without waiting and translating.
        """
        with self._lock:
            # TensorFlow Serving's name for every runtime but TFRT.
            self._runtime_latency.add((model_name, api, "TF1"), seconds * 1e6)

    def observe_warmup(self, model_path: str, status_code: grpc.StatusCode, seconds: float) -> None:
        """Records how long the warm-up of a version took.

        Args:
            model_path: folder of the version.
            status_code: of the warm-up.
            seconds: of all its requests.
        """
        with self._lock:
            self._warmup_latency.add((model_path, status_code.name), seconds * 1e6)

    def observe_batch(self, queued_s: list[float], thread_pool_name: str = "batch_threads") -> None:
        """Records one run of a model for a batch of requests.

        Args:
            queued_s: for each request, the seconds that it waited.
            thread_pool_name: TensorFlow Serving's name unless the parameters give another.
        """
        with self._lock:
            self._wrapped_runs.add(())
            for seconds in queued_s:
                self._queuing_latency.add((thread_pool_name,), seconds * 1e6)

    def page(self) -> bytes:
        """All metrics in Prometheus' text format, `prometheus_text.CONTENT_TYPE`."""
        return prometheus_text.render(self.registry)

    def collect(self) -> Iterator[Metric]:
        """All metrics but the process's own; called by the registry."""
        with self._lock:
            families = [family.metric() for family in self._families]
        yield from families
        name = "unmask_serving_model_version_state"
        states = Metric(name, "1 for the state that a version is in.", "gauge")
        for model, versions in self._states().items():
            for version, state in versions.items():
                labels = {"model_name": model, "version": str(version), "state": state}
                states.add_sample(states.name, labels, 1)
        yield states


def _count_examples(request: Any) -> int | None:
    """Number of tf.Examples in a request; None for a kind of request without examples."""
    if request is None or "input" not in request.DESCRIPTOR.fields_by_name:
        return None
    kind = request.input.WhichOneof("kind")
    return 0 if kind is None else len(getattr(request.input, kind).examples)
