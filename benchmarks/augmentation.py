"""Augmentation: images a second on one core, each operation alone and the defaults together.

Usage: python -m benchmarks.augmentation [--image-size 224] [--seconds 2]

Each configuration runs in a tf.data pipeline as training does, on pairs, bound to one core, after
a warm-up. Processor time counts, so that a shared machine's other work does not; decoding and
resizing are left out. An operation alone is measured at its default strength, applied to every
pair; `nothing` is what the pipeline itself costs. The last lines are JSON, one a configuration;
only the defaults have a target.
"""

import data.utils.environment  # noqa: F401 - before TensorFlow

# isort: split
import argparse
import os
import time
from typing import Any

import numpy as np
import tensorflow as tf
from skimage import data as pictures

from benchmarks.utils.figures import print_figure
from models.config import AugmentationConfig
from models.inputs import augment

TARGET = 300.0
_OFF: dict[str, Any] = {
    **dict.fromkeys(("flip", "warp_probability", "colour_probability", "blur_probability"), 0.0),
    **dict.fromkeys(("noise_probability", "scaling_probability", "jpeg_probability"), 0.0),
    "cutout_probability": 0.0,
}
_ALONE = {
    "flip": "flip",
    "warp": "warp_probability",
    "colour": "colour_probability",
    "blur": "blur_probability",
    "noise": "noise_probability",
    "scaling": "scaling_probability",
    "jpeg": "jpeg_probability",
    "cutout": "cutout_probability",
}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each configuration")
    arguments = parser.parse_args()
    # TensorFlow's threads are not there yet, and inherit this.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    configs = {"nothing": AugmentationConfig(**_OFF)}
    for name, probability in _ALONE.items():
        configs[name] = AugmentationConfig(**{**_OFF, probability: 1.0})
    configs["defaults"] = AugmentationConfig()
    rates = {}
    for name, config in configs.items():
        rates[name] = _rate(config, arguments.image_size, arguments.seconds)
        print(f"{name}: {rates[name]:.0f} images/s, {1000 / rates[name]:.2f} ms an image")
    for name, rate in rates.items():
        target = TARGET if name == "defaults" else None
        print_figure(f"augmentation_{name}", rate, unit="images/s on one core", target=target)


def _rate(config: AugmentationConfig, size: int, seconds: float) -> float:
    """Images a second with this configuration."""
    face = tf.image.resize(pictures.astronaut()[0:300, 80:380], [size, size])
    pair = tf.stack([face, face[:, ::-1]])
    points = np.array([[0.4, 0.36], [0.58, 0.36], [0.5, 0.45], [0.43, 0.54], [0.56, 0.54]])
    landmarks = tf.constant(np.stack([points, points]) * size, tf.float32)

    def change(number: tf.Tensor) -> tf.Tensor:
        changed, _ = augment(pair, landmarks, tf.stack([0, number]), config)
        return changed

    pairs = tf.data.Dataset.counter(dtype=tf.int32).map(change)
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    iterator = iter(pairs.with_options(options))
    for _ in range(20):
        next(iterator)
    done, started = 0, time.process_time()
    while time.process_time() - started < seconds:
        next(iterator)
        done += 2
    return done / (time.process_time() - started)


if __name__ == "__main__":
    main()
