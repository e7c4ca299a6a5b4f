"""The served model of the tests of its signatures: a network of two convolutions and its inputs."""

import numpy as np
import tensorflow as tf
from scipy.special import expit

from data import contract, example_encoding
from data.contract import VerdictCode
from models.calibration import Decision

SIZE, TRACK_LENGTH, TEMPERATURE = 32, 4, 0.5
SCOPE = "knows \u201cnoise\u201d alone"


def faces(count, seed=0):
    """Images of the network's own size, so that nothing is resized, and their PNGs."""
    pixels = np.random.default_rng(seed).integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)
    # Different means, so that scores differ.
    pixels = (pixels * np.linspace(0.2, 1, count)[:, None, None, None]).astype(np.uint8)
    return pixels, [tf.io.encode_png(image).numpy() for image in pixels]


def decision_of(calibrator, thresholds):
    return Decision(calibrator, real_below=float(thresholds[0]), fake_above=float(thresholds[1]))


def logit(network, pixels):
    features = network.features(np.asarray(pixels, np.float32))
    return network.face_logits(features).numpy().astype(float)


def probability(network, pixels):
    return expit(logit(network, pixels) / TEMPERATURE)


def verdicts(probabilities, thresholds):
    return np.where(
        probabilities < thresholds[0],
        VerdictCode.REAL,
        np.where(probabilities > thresholds[1], VerdictCode.FAKE, VerdictCode.UNCERTAIN),
    )


def example(encoded, tracks, usable=None):
    flags = [True] * len(tracks) if usable is None else usable
    crops = [
        contract.FaceCrop(
            image, track, time, (0.0, 0.0, 9.0, 9.0), (0.0,) * 10, 1.0, 50.0, 50.0, flag
        )
        for time, (image, track, flag) in enumerate(zip(encoded, tracks, flags, strict=True))
    ]
    video = contract.VideoExample(
        "0" * 64,
        contract.Measurements(9, 9, 9, 25.0, 1.0, 5000.0),
        tuple(crops),
        contract.Annotation("tiny/a", 1, "tiny", "Redder", "", ("Redder",), "a"),
    )
    return example_encoding.encode(video)
