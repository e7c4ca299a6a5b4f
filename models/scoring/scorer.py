"""Scorers: what a served model calls to score faces, with one network or several."""

from typing import Protocol

import tensorflow as tf

from models.inputs import image_ops
from models.networks import Classifier

CHUNK = 64
"""Faces decoded and scored at a time; this bounds the memory of large requests."""


class Scorer(Protocol):
    """Scores encoded faces and tracks of them in a graph; a `tf.Module` with its variables.

    Attributes:
        width: d, features of a face.
    """

    width: int

    def embed(self, faces: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes the features of encoded faces, at most `CHUNK` of them.

        Args:
            faces: string [m], JPEG or PNG; m of 1 or more.

        Returns:
            features: float32 [m, width], meaningless where unreadable.
            readable: bool [m].
        """

    def face_logits(self, features: tf.Tensor) -> tf.Tensor:
        """Scores single faces: from features [m, width] to logits, float32 [m]."""

    def track_logits(self, features: tf.Tensor, segments: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        """Scores tracks; see `models.networks.classifier.Classifier.track_logits`."""


class NetworkScorer(tf.Module):
    """Scores with one network, always with its current weights.

    Its functions are traced once, so that a graph of several signatures holds the network once.
    `Model.predict` might compile with XLA, which is slow on a CPU.

    Args:
        network: the classifier.

    Attributes:
        image_size: pixels a side of the network's input.
        width: features of a face.
    """

    def __init__(self, network: Classifier) -> None:
        super().__init__(name="network")
        self.image_size = network.config.image_size
        self.width = int(network.backbone.output_shape[-1])
        # Not the Keras models: with them wrappers of their variables would be saved, which the
        # functions do not use, and TensorFlow Serving would not find the variables in use.
        self._variables = [variable.value for variable in network.variables]
        images = tf.TensorSpec([None, self.image_size, self.image_size, 3], tf.float32)
        features = tf.TensorSpec([None, self.width], tf.float32)
        segments, count = tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.int32)
        self.features = tf.function(
            lambda batch: network.features(batch), input_signature=[images], jit_compile=False
        )
        self.face_logits = tf.function(
            network.face_logits, input_signature=[features], jit_compile=False
        )
        self.track_logits = tf.function(
            lambda batch, tracks, number: network.track_logits(batch, tracks, number),
            input_signature=[features, segments, count],
            jit_compile=False,
        )

    def embed(self, faces: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """See `Scorer.embed`."""
        decoded, readable = image_ops.decode_faces(faces, self.image_size)
        return self.features(decoded), readable
