import json
import os
import pathlib
import subprocess
import sys

import pytest
import tensorflow as tf

from data.errors import UsageError
from models import distribution

ROOT = pathlib.Path(__file__).resolve().parents[2]

_TRAIN = """
import sys
import data.environment
import keras, numpy as np, tensorflow as tf
from models import distribution
name, devices, policy = sys.argv[1], int(sys.argv[2]), sys.argv[3]
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * devices
)
from models import optimizer, trainer
from models.classifier import Classifier
from models.config import ModelConfig
from models.input_pipeline import Batch
from models.precision import Precision

config = ModelConfig(
    model="xception",
    weights=None,
    batch_size=8,
    steps=9,
    image_size=71,
    optimizer={"algorithm": "sgd", "clip_norm": 0.5},
)
pictures = np.random.default_rng(0).uniform(0, 255, (8, 1, 71, 71, 3)).astype(np.float32)
labels = np.tile(np.float32([0, 1]), 4)
batch = Batch(pictures, np.ones((8, 1), bool), labels, np.ones(8, np.float32), np.arange(8))
strategy = distribution.create(name)  # before TensorFlow computes anything
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
    learner = optimizer.create(
        config,
        Precision(policy, ""),
        network.trainable_variables,
        replicas=strategy.num_replicas_in_sync,
    )
    learner.learning_rate = 0.01
    step = trainer._train_step(network, learner, strategy)
    for batch in strategy.experimental_distribute_dataset(batches.unbatch().batch(8)):
        losses.append(float(step(batch)[0]))
print("replicas", strategy.num_replicas_in_sync, "chief", distribution.is_chief(strategy))
print("losses", *losses)
"""


def train(name, devices, policy="float32", **environment):
    """What a training of four steps printed, in an interpreter with so many logical CPUs."""
    done = subprocess.run(
        [sys.executable, "-c", _TRAIN, name, str(devices), policy],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    replicas, losses = done.stdout.splitlines()[-2:]
    return replicas, [float(loss) for loss in losses.split()[1:]]


@pytest.fixture(scope="module")
def one_device():
    replicas, losses = train("none", 1)
    assert replicas == "replicas 1 chief True"
    assert losses[-1] != losses[0]
    return losses


def test_two_devices_learn_as_one_with_the_same_global_batch(one_device):
    # The loss scale of float16, a power of two, changes nothing in a network of float32.
    replicas, losses = train("mirrored", 2, "mixed_float16")
    assert replicas == "replicas 2 chief True"
    assert losses == pytest.approx(one_device, rel=1e-4)


def test_a_worker_of_a_cluster_learns_as_one_device(one_device):
    cluster = {"cluster": {"worker": ["localhost:29417"]}, "task": {"type": "worker", "index": 0}}
    replicas, losses = train("multi_worker", 1, TF_CONFIG=json.dumps(cluster))
    assert replicas == "replicas 1 chief True"
    assert losses == pytest.approx(one_device, rel=1e-4)


def test_no_tpu_is_an_error_with_a_cure():
    with pytest.raises(
        UsageError, match=r"strategy: tpu: there is no TPU .* set `strategy` to none"
    ):
        distribution.create("tpu")


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
