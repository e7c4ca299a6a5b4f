"""Every network: overfits one batch of 8 and answers, exported, as it did before.

Usage: python -m benchmarks.networks [--networks meso4 resnet50 ...] [--image-size 75]

Learning is judged in inference mode, so that BatchNormalization's moving statistics count too, and
stops at a log loss of 0.1 nats. Exported is the whole served model, calibration and all, and
asked for the same eight faces. The time of a training step of ResNeXt-50 with native and with
split grouped convolutions is measured in turns at 96 pixels and batch 8, since shared machines
drift. The last lines are JSON, one a figure.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt

import data.utils.environment  # noqa: F401 - before TensorFlow
from benchmarks.utils.figures import print_figure
from models.backbones import registry

BATCH = 8
TARGET_LOSS = 0.1
MAX_STEPS = 200
TOLERANCE = 1e-6

_CHECK_INTERVAL = 10
_LEARNING_RATES = {"meso4": 3e-3, "mesoinception4": 3e-3}
_LEARNING_RATE = 3e-4
_TIMED_SIZE = 96
_ROUNDS = 8


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="*", default=registry.names(), metavar="NETWORK")
    parser.add_argument("--image-size", type=int, default=75)
    arguments = parser.parse_args()
    figures: list[tuple[str, float, float, str]] = []
    for name in arguments.networks:
        started = time.perf_counter()
        loss, steps, difference = measure(name, arguments.image_size)
        print(
            f"{name}: log loss {loss:.3f} after {steps} steps, exported within {difference:.1e}, "
            f"{time.perf_counter() - started:.0f} s",
            flush=True,
        )
        figures += [
            (f"{name}_overfit_log_loss", loss, TARGET_LOSS, "nats"),
            (f"{name}_export_difference", difference, TOLERANCE, "probability"),
        ]
    if "resnext50_32x4d" in arguments.networks:
        native_s, split_s = grouped_step_seconds()
        print(f"ResNeXt-50 step: native {native_s:.3f} s, split {split_s:.3f} s")
        figures += [
            ("resnext50_32x4d_native_step", native_s, round(split_s, 3), "s"),
            ("resnext50_32x4d_split_over_native_step", split_s / native_s, 1.0, "times"),
        ]
    for key, value, target, unit in figures:
        print_figure(key, value, unit=unit, target=target)


def measure(name: str, image_size: int) -> tuple[float, int, float]:
    """Overfits and exports one network.

    Args:
        name: of the backbone.
        image_size: pixels a side.

    Returns:
        Log loss in nats, training steps, and the largest difference between a probability of
        the network and of its export.
    """
    import keras
    import tensorflow as tf
    from scipy.special import expit

    from models.calibration import Decision, Temperature
    from models.config import ModelConfig
    from models.evaluation import log_loss
    from models.export import ServedModel, export
    from models.networks import classifier
    from models.scoring import NetworkScorer
    from models.transform import label_only

    keras.backend.clear_session()
    config = ModelConfig(
        model=name, image_size=image_size, weights=None, dropout=0.0, track_length=BATCH
    )
    network = classifier.build(config, "float32", weights=None)
    faces, labels = batch(image_size)
    step = _step(network, _LEARNING_RATES.get(name, _LEARNING_RATE))
    scorer = NetworkScorer(network)
    loss, steps = np.inf, 0
    while loss >= TARGET_LOSS and steps < MAX_STEPS:
        for _ in range(_CHECK_INTERVAL):
            step(tf.constant(faces), tf.constant(labels))
        steps += _CHECK_INTERVAL
        logits = scorer.face_logits(scorer.features(tf.constant(faces))).numpy().astype(float)
        loss = log_loss(logits, labels.astype(np.int8))
    pictures = [tf.io.encode_png(face.astype(np.uint8)).numpy() for face in faces]
    # A network this sure of itself would hide differences behind probabilities of 0 and 1.
    temperature = float(np.abs(logits).max())
    softened = Decision(Temperature(temperature=temperature), 0.5, 0.5)
    served = ServedModel(scorer, softened, track_length=BATCH, transform=label_only)
    with tempfile.TemporaryDirectory(prefix="unmask-networks-") as folder:
        export(served, folder, name=name, card={})
        loaded = tf.saved_model.load(folder)
        answer = loaded.signatures["serving_default"](faces=tf.constant(pictures))
    difference = np.abs(answer["fake_probability"].numpy() - expit(logits / temperature)).max()
    return loss, steps, float(difference)


def batch(image_size: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Eight views of one portrait, whole numbers from 0 to 255, with arbitrary labels.

    Args:
        image_size: pixels a side.

    Returns:
        Faces [8, image_size, image_size, 3] and labels [8].
    """
    from PIL import Image
    from skimage import data as pictures

    portrait = pictures.astronaut()[0:224, 112:336]
    faces = [
        np.asarray(
            Image.fromarray(np.roll(portrait, 28 * number, axis=1)).resize((image_size, image_size))
        )
        for number in range(BATCH)
    ]
    return np.stack(faces).astype(np.float32), np.array([0, 1, 1, 0, 1, 0, 0, 1], np.float32)


def grouped_step_seconds() -> tuple[float, float]:
    """Seconds of a training step of ResNeXt-50, native and split; the median of several."""
    import tensorflow as tf

    from models.backbones import grouped_convolution
    from models.config import ModelConfig
    from models.networks import classifier

    config = ModelConfig(model="resnext50_32x4d", image_size=_TIMED_SIZE, weights=None)
    faces, labels = batch(_TIMED_SIZE)
    steps = []
    for native in (True, False):
        with mock.patch.object(grouped_convolution, "has_native_gradient", lambda n=native: n):
            network = classifier.build(config, "float32", weights=None)
        steps.append(_step(network, _LEARNING_RATE))
    seconds: list[list[float]] = [[], []]
    for _ in range(1 + _ROUNDS):
        for step, times in zip(steps, seconds, strict=True):
            started = time.perf_counter()
            float(step(tf.constant(faces), tf.constant(labels)))
            times.append(time.perf_counter() - started)
    native_s, split_s = (statistics.median(times[1:]) for times in seconds)  # the first traces
    return native_s, split_s


def _step(network: Any, learning_rate: float) -> Callable[[Any, Any], Any]:
    """One step of Adam on the log loss, as a graph; returns the loss."""
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.Adam(learning_rate)
    optimizer.build(network.trainable_variables)
    used = tf.ones([BATCH, 1], tf.bool)

    @tf.function(jit_compile=False)
    def step(faces: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        variables = network.trainable_variables
        with tf.GradientTape() as tape:
            logits = network(faces[:, tf.newaxis], used, training=True)
            losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
            loss = tf.reduce_mean(losses)
        optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)
        return loss

    return step


if __name__ == "__main__":
    main()
