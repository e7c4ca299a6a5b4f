"""Metrics under TensorFlow Serving's names, as Prometheus reads them."""

import concurrent.futures

import grpc
import pytest
import tensorflow as tf
from prometheus_client.parser import text_string_to_metric_families
from tensorflow_serving.apis import classification_pb2, predict_pb2

from serving.server.monitoring.metrics import UNKNOWN_MODEL, Metrics
from serving.server.monitoring.observers import Outcome

OK = grpc.StatusCode.OK
NOT_FOUND = grpc.StatusCode.NOT_FOUND


def observe(metrics, method, transport, model, code, seconds, examples=0):
    """Counts one request with so many examples."""
    request = predict_pb2.PredictRequest()
    if method == "Classify":
        request = classification_pb2.ClassificationRequest()
        request.input.example_list.examples.extend([tf.train.Example()] * examples)
    request.model_spec.name = model
    metrics.observe(Outcome(transport, method, "id", code, "", seconds, request))


def lines(metrics, name):
    return [line for line in metrics.page().decode().splitlines() if line.startswith(name)]


def test_requests_are_counted_by_model_and_status():
    metrics = Metrics(lambda: {"b": {1: "LOADING"}})
    observe(metrics, "Predict", "grpc", "a", OK, 0.001)
    observe(metrics, "Predict", "rest", "a", OK, 0.001)
    observe(metrics, "Predict", "rest", "a", grpc.StatusCode.INVALID_ARGUMENT, 0.001)
    observe(metrics, "Predict", "rest", "b", NOT_FOUND, 0.001)
    assert lines(metrics, ":tensorflow:serving:request_count") == [
        ':tensorflow:serving:request_count{model_name="a",status="OK"} 2.0',
        ':tensorflow:serving:request_count{model_name="a",status="INVALID_ARGUMENT"} 1.0',
        ':tensorflow:serving:request_count{model_name="b",status="NOT_FOUND"} 1.0',
    ]
    assert "# TYPE :tensorflow:serving:request_count counter" in metrics.page().decode()


def test_latencies_are_microseconds_in_tensorflow_servings_buckets():
    metrics = Metrics()
    for microseconds in (5, 15, 25, 1e10):
        observe(metrics, "Predict", "rest", "test_model", OK, microseconds / 1e6)
    written = lines(metrics, ":tensorflow:serving:request_latency")
    # The first lines as an issue of TensorFlow Serving quotes them, github.com/tensorflow/serving
    # number 1959.
    labels = 'model_name="test_model",API="predict",entrypoint="REST"'
    prefix = f":tensorflow:serving:request_latency_bucket{{{labels},le="
    assert written[:3] == [f'{prefix}"10"}} 1.0', f'{prefix}"18"}} 2.0', f'{prefix}"32.4"}} 3.0']
    assert f'{prefix}"708235"}} 3.0' in written  # a bucket that public dashboards name
    assert written[-3] == f'{prefix}"+Inf"}} 4.0'
    assert written[-2].startswith(f":tensorflow:serving:request_latency_sum{{{labels}}} ")
    assert float(written[-2].split()[-1]) == pytest.approx(1e10 + 45)
    assert written[-1] == f":tensorflow:serving:request_latency_count{{{labels}}} 4.0"
    assert len(written) == 33 + 1 + 2


def test_failed_requests_enter_no_latency():
    metrics = Metrics()
    observe(metrics, "Classify", "rest", "a", NOT_FOUND, 1.0, examples=3)
    assert not lines(metrics, ":tensorflow:serving:request_latency")
    assert not lines(metrics, ":tensorflow:serving:request_example_count")


def test_unknown_models_share_a_name():
    metrics = Metrics()
    for number in range(1000):
        observe(metrics, "Predict", "rest", f"model{number}", NOT_FOUND, 0.001)
    name = ":tensorflow:serving:request_count"
    assert lines(metrics, name) == [
        f'{name}{{model_name="{UNKNOWN_MODEL}",status="NOT_FOUND"}} 1000.0'
    ]


def test_a_model_that_has_answered_is_known():
    metrics = Metrics()
    observe(metrics, "Predict", "rest", "a", OK, 0.001)
    observe(metrics, "Predict", "rest", "a", grpc.StatusCode.UNAVAILABLE, 0.001)
    counted = lines(metrics, ":tensorflow:serving:request_count")
    assert ':tensorflow:serving:request_count{model_name="a",status="UNAVAILABLE"} 1.0' in counted


def test_examples_are_counted():
    metrics = Metrics()
    observe(metrics, "Classify", "grpc", "a", OK, 0.001, examples=3)
    observe(metrics, "Classify", "grpc", "a", OK, 0.001, examples=4)
    assert lines(metrics, ":tensorflow:serving:request_example_count_total") == [
        ':tensorflow:serving:request_example_count_total{model="a"} 7.0'
    ]
    counts = lines(metrics, ":tensorflow:serving:request_example_counts")
    # TensorFlow puts a value that equals a limit into the bucket above.
    assert counts[:4] == [
        f':tensorflow:serving:request_example_counts_bucket{{model="a",le="{limit}"}} {count}'
        for limit, count in (("1", "0.0"), ("2", "0.0"), ("4", "1.0"), ("8", "2.0"))
    ]


def test_runtime_warm_up_and_batches_have_their_names():
    metrics = Metrics()
    metrics.observe_runtime("Predict", "a", 0.001)
    metrics.observe_warmup("/models/a/1", grpc.StatusCode.INVALID_ARGUMENT, 0.001)
    metrics.observe_batch([0.001, 0.002], "pool")
    page = metrics.page().decode()
    prefix = ":tensorflow:serving:"
    for line in (
        f'{prefix}runtime_latency_count{{model_name="a",API="Predict",runtime="TF1"}} 1.0',
        f"{prefix}model_warmup_latency_count"
        '{model_path="/models/a/1",status="INVALID_ARGUMENT"} 1.0',
        f'{prefix}batching_session:queuing_latency_count{{thread_pool_name="pool"}} 2.0',
        f'{prefix}batching_session:queuing_latency_bucket{{thread_pool_name="pool",le="100"}} 0.0',
        f"{prefix}batching_session:wrapped_run_count 1.0",
    ):
        assert line in page.splitlines()


def test_states_of_versions_are_the_current_ones():
    states = {"a": {1: "AVAILABLE", 2: "LOADING"}}
    metrics = Metrics(lambda: states)
    name = "unmask_serving_model_version_state"
    assert lines(metrics, name) == [
        f'{name}{{model_name="a",version="1",state="AVAILABLE"}} 1.0',
        f'{name}{{model_name="a",version="2",state="LOADING"}} 1.0',
    ]
    states["a"] = {2: "AVAILABLE"}
    assert lines(metrics, name) == [f'{name}{{model_name="a",version="2",state="AVAILABLE"}} 1.0']


def test_prometheus_client_reads_the_page():
    metrics = Metrics()
    odd = 'a"b\\c\nd'
    observe(metrics, "Predict", "rest", odd, OK, 0.001, examples=1)
    metrics.observe_batch([0.001], "pool")
    families = {
        family.name: family for family in text_string_to_metric_families(metrics.page().decode())
    }
    requests = families[":tensorflow:serving:request_count"]
    assert requests.type == "counter"
    assert requests.samples[0].labels == {"model_name": odd, "status": "OK"}
    assert families[":tensorflow:serving:request_latency"].type == "histogram"
    assert families["process_resident_memory_bytes"].samples[0].value > 0
    assert families["process_cpu_seconds"].type == "counter"


def test_no_count_is_lost_between_threads():
    metrics = Metrics()
    with concurrent.futures.ThreadPoolExecutor(8) as executor:
        for _ in range(8):
            executor.submit(
                lambda: [observe(metrics, "Predict", "rest", "a", OK, 1e-5) for _ in range(2000)]
            )
    counted = lines(metrics, ":tensorflow:serving:request_count")
    assert counted == [':tensorflow:serving:request_count{model_name="a",status="OK"} 16000.0']
