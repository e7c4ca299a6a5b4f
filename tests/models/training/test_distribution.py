import json
import os
import pathlib
import subprocess
import sys

import pytest
import tensorflow as tf

from data.utils.errors import UsageError
from models.training import distribution

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).resolve().parents[3]

_TRAIN = """
import sys
import data.utils.environment
import keras, numpy as np, tensorflow as tf
from models.training import distribution
name, devices, policy = sys.argv[1], int(sys.argv[2]), sys.argv[3]
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * devices
)
from models.training.optimizer import build_optimizer
from models.training.train_step import build_train_step
from models.networks import Classifier
from models.config import ModelConfig
from models.inputs import Batch
from models.training.precision import Precision

config = ModelConfig(
    model="xception",
    weights=None,
    batch_size=8,
    steps=9,
    image_size=71,
    optimizer={"algorithm": "sgd", "clip_norm": 0.5},
)
images = np.random.default_rng(0).uniform(0, 255, (8, 1, 71, 71, 3)).astype(np.float32)
labels = np.tile(np.float32([0, 1]), 4)
batch = Batch(images, np.ones((8, 1), bool), labels, np.ones(8, np.float32), np.arange(8))
strategy = distribution.build_strategy(name)  # before TensorFlow computes anything
batches = tf.data.Dataset.from_tensors(batch).repeat(4)
losses = []
with strategy.scope():
    keras.utils.set_random_seed(0)
    faces = keras.Input((71, 71, 3))
    features = keras.layers.Conv2D(4, 5, strides=4, activation="relu")(faces)
    backbone = keras.Model(faces, keras.layers.GlobalAveragePooling2D()(features))
    features = keras.Input((4,))
    logits = keras.layers.Reshape(())(keras.layers.Dense(1)(features))
    network = Classifier(backbone, keras.Model(features, logits), config)
    optimizer = build_optimizer(
        config,
        Precision(policy, ""),
        network.trainable_variables,
        replicas=strategy.num_replicas_in_sync,
    )
    optimizer.learning_rate = 0.01
    step = build_train_step(network, optimizer, strategy)
    for batch in strategy.experimental_distribute_dataset(batches.unbatch().batch(8)):
        losses.append(float(step(batch)[0]))
    # Statistics of batches of ones on the first replica, of twos on the second.
    normalization = keras.layers.BatchNormalization(momentum=0.0)
    normalization.build((None, 1))
    def on_replica():
        number = tf.distribute.get_replica_context().replica_id_in_sync_group
        normalization(tf.fill([2, 1], 1.0 + tf.cast(number, tf.float32)), training=True)
    tf.function(lambda: strategy.run(on_replica))()
    distribution.average_statistics(normalization.variables)
    means = strategy.experimental_local_results(normalization.moving_mean.value)
    means_of_workers = distribution.mean_of_workers([float(sys.argv[4])])
print("replicas", strategy.num_replicas_in_sync, "chief", distribution.is_chief(strategy))
print("statistics", *(float(mean[0]) for mean in means), "of workers", *means_of_workers)
print("losses", *losses)
"""

_RUN = """
import sys
import data.utils.environment
import tensorflow as tf
strategy, devices = sys.argv.pop(1), int(sys.argv.pop(1))
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * devices
)
from benchmarks.learning import Arguments
from models.training.run_fn import run_fn
from models.config import ModelConfig
train, evaluated, transform, folder = sys.argv[1:]
config = ModelConfig(
    model="meso4",
    weights=None,
    image_size=32,
    batch_size=8,
    steps=6,
    eval_interval=3,
    strategy=strategy,
    precision="float32",
    false_positive_rate=0.25,
    false_negative_rate=0.25,
)
settings = {"model": config.model_dump_json(), "code_hash": "0", "checkpoints": f"{folder}/states"}
run_fn(
    Arguments([train], [evaluated], transform, f"{folder}/model", f"{folder}/run", settings)
)
"""

# So does each of two workers get its place in the cluster.
_CLUSTER = {"worker": ["localhost:29417", "localhost:29418"]}


def start(script, *arguments, worker=None):
    """A script in an interpreter of its own, as the worker of that number if there is one."""
    task = {"cluster": _CLUSTER, "task": {"type": "worker", "index": worker}}
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT,
        env=os.environ if worker is None else {**os.environ, "TF_CONFIG": json.dumps(task)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output(process):
    """The lines that it printed."""
    with process:
        try:
            printed, errors = process.communicate(timeout=300)
        finally:
            process.kill()
    assert process.returncode == 0, errors
    return printed.splitlines()


def steps(process):
    """What a training of four steps printed of its replicas and statistics, and its losses."""
    replicas, statistics, losses = output(process)[-3:]
    return replicas, statistics, [float(loss) for loss in losses.split()[1:]]


@pytest.fixture(scope="module")
def one_device():
    replicas, statistics, losses = steps(start(_TRAIN, "none", 1, "float32", 7))
    assert replicas == "replicas 1 chief True"
    assert statistics == "statistics 1.0 of workers 7.0"
    assert losses[-1] != losses[0]
    return losses


def test_two_devices_learn_as_one_with_the_same_global_batch(one_device):
    # The loss scale of float16, a power of two, changes nothing in a network of float32.
    replicas, statistics, losses = steps(start(_TRAIN, "mirrored", 2, "mixed_float16", 7))
    assert replicas == "replicas 2 chief True"
    assert statistics == "statistics 1.5 1.5 of workers 7.0"
    assert losses == pytest.approx(one_device, rel=1e-4)


def test_two_workers_learn_as_one_device(one_device):
    workers = [start(_TRAIN, "multi_worker", 1, "float32", 7 + i, worker=i) for i in range(2)]
    for worker, is_chief in zip(workers, (True, False), strict=True):
        replicas, statistics, losses = steps(worker)
        assert replicas == f"replicas 2 chief {is_chief}"
        assert statistics == "statistics 1.5 of workers 7.5"
        assert losses == pytest.approx(one_device, rel=1e-4)


def test_two_workers_make_one_model(videos, write_records, transform_output, tmp_path):
    records = write_records(videos)
    arguments = ("multi_worker", 1, records, records, transform_output, tmp_path)
    chief, other = [start(_RUN, *arguments, worker=i) for i in range(2)]
    evaluations = [line for line in output(chief) if "/6, eval AUC" in line]
    assert len(evaluations) == 2
    assert [line for line in output(other) if "/6, eval AUC" in line] == evaluations
    assert (tmp_path / "model" / "saved_model.pb").is_file()
    assert list((tmp_path / "states").iterdir()) == []


def test_two_devices_make_one_model(videos, write_records, transform_output, tmp_path):
    records = write_records(videos)
    lines = output(start(_RUN, "mirrored", 2, records, records, transform_output, tmp_path))
    assert len([line for line in lines if "/6, eval AUC" in line]) == 2
    assert (tmp_path / "model" / "saved_model.pb").is_file()


def test_no_tpu_is_an_error_with_a_cure():
    with pytest.raises(
        UsageError, match=r"strategy: tpu: there is no TPU .* set `strategy` to none"
    ):
        distribution.build_strategy("tpu")


@pytest.mark.parametrize(
    ("task_type", "task_id", "expected"),
    [("worker", 0, True), ("worker", 1, False), ("chief", 0, True), (None, None, True)],
)
def test_one_process_writes(task_type, task_id, expected):
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({}), task_type=task_type, task_id=task_id
    )

    class Strategy:
        cluster_resolver = resolver

    assert distribution.is_chief(Strategy()) is expected
