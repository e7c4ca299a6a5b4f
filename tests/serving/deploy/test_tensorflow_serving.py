"""TensorFlow Serving's text files hold what our models and clients need of them."""

import inspect

import tensorflow as tf

from data.faces import FaceOptions
from models.export import warmup_requests
from serving.cli.predict import predict
from tests.serving.deploy.conftest import flags

NAME = "xception"


def test_models(models_config):
    (model,) = models_config
    assert model.name == inspect.signature(predict).parameters["model"].default == NAME
    assert model.base_path == f"/models/{NAME}"
    assert model.model_platform == "tensorflow"
    assert model.model_version_policy.latest.num_versions == 1
    # They may only be given to versions that are loaded, so a start with them can fail.
    assert not model.version_labels


def test_batching_takes_every_request_of_ours(batching_config):
    limit = batching_config.max_batch_size.value
    for request in warmup_requests(NAME, track_length=2):  # one refused would fail the load
        (rows,) = request.inputs.values()
        assert tf.make_ndarray(rows).shape[0] <= limit
    assert FaceOptions().max_tracks <= limit


def test_batching_wastes_nothing(batching_config):
    # TensorFlow Serving refuses to start unless the last is the largest.
    assert list(batching_config.allowed_batch_sizes) == list(
        range(1, batching_config.max_batch_size.value + 1)
    )
    assert batching_config.HasField("batch_timeout_micros")
    assert batching_config.batch_timeout_micros.value == 0
    assert not batching_config.pad_variable_length_inputs


def test_the_queue_is_what_turns_requests_away(batching_config, container):
    """Without a free thread gRPC answers RESOURCE_EXHAUSTED, which clients do not send again."""
    batches = batching_config.max_enqueued_batches.value + batching_config.num_batch_threads.value
    requests = batches * batching_config.max_batch_size.value  # of one row each
    assert requests < int(flags(container["args"])["grpc_max_threads"])
    # https://github.com/tensorflow/serving/blob/master/tensorflow_serving/batching/README.md
    assert batching_config.max_enqueued_batches.value == batching_config.num_batch_threads.value


def test_one_batch_a_processor(batching_config, container, compose, runtime_container):
    threads = batching_config.num_batch_threads.value
    limits = compose["services"]["tensorflow-serving"]["deploy"]["resources"]["limits"]
    for processors in (
        container["resources"]["limits"]["cpu"],
        runtime_container["resources"]["limits"]["cpu"],
        limits["cpus"],
    ):
        assert int(processors) == threads
    assert f"--tensorflow_inter_op_parallelism={threads}" in container["args"]


def test_metrics_are_on(monitoring_config):
    assert monitoring_config.prometheus_config.enable
    assert monitoring_config.prometheus_config.path == "/monitoring/prometheus/metrics"
