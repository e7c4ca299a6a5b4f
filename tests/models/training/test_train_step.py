import numpy as np
import pytest
import tensorflow as tf

from models.inputs import Batch
from models.networks import classifier
from models.training.optimizer import build_optimizer
from models.training.train_step import build_train_step
from tests.models.training.tiny_training import FLOAT32, make_config

pytestmark = pytest.mark.slow


def test_the_loss_weighs_videos(tiny_backbone):
    config = make_config(tiny_backbone, learning_rate=1e-9)
    network = classifier.build(config, "float32", weights=None)
    optimizer = build_optimizer(config, FLOAT32, network.trainable_variables)
    step = build_train_step(network, optimizer, tf.distribute.get_strategy())
    random = np.random.default_rng(0)
    images = random.uniform(0, 255, (4, 1, 32, 32, 3)).astype(np.float32)
    labels, weights = np.float32([0, 1, 0, 1]), np.float32([0.5, 2.0, 0.5, 0.0])
    batch = Batch(images, np.ones((4, 1), bool), labels, weights, np.arange(4))
    network.head.get_layer("dropout").rate = 0.0
    logits = network(tf.constant(images), tf.ones((4, 1), tf.bool), training=True).numpy()
    losses = np.logaddexp(0, np.where(labels == 1, -logits, logits))
    loss, _ = step(Batch(*map(tf.constant, batch)))
    assert float(loss) == pytest.approx(float(np.sum(losses * weights) / 4), rel=1e-4)
