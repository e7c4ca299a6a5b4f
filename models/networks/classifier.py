"""The network that tells fakes from reals: a backbone, and a head that scores its features."""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence

import keras
import numpy.typing as npt
import tensorflow as tf

from models.backbones import registry
from models.config import ModelConfig
from models.networks.pooling import pool_tracks


@dataclasses.dataclass(frozen=True)
class Classifier:
    """A backbone with its head.

    Attributes:
        backbone: from images, float32 [m, size, size, 3], RGB, 0 to 255, to features [m, d].
        head: `frame`: from features [m, d] to float32 logits [m]; `lstm`: from features
            [n, f, d] and bool [n, f], False where padded, to float32 logits [n].
        config: from which it was built.
    """

    backbone: keras.Model
    head: keras.Model
    config: ModelConfig

    @property
    def variables(self) -> list[keras.Variable]:
        """All variables, including the states of random layers."""
        return [*self.backbone.variables, *self.head.variables]

    @property
    def trainable_variables(self) -> list[keras.Variable]:
        """The variables that are trained at present."""
        return [*self.backbone.trainable_variables, *self.head.trainable_variables]

    def get_weights(self) -> list[npt.NDArray]:
        """Copies of all weights, the backbone's first."""
        return [*self.backbone.get_weights(), *self.head.get_weights()]

    def set_weights(self, weights: Sequence[npt.NDArray]) -> None:
        """Sets weights in the order of `get_weights`.

        Raises:
            ValueError: their number or shapes differ from this network's.
        """
        of_backbone = len(self.backbone.weights)
        self.backbone.set_weights(list(weights[:of_backbone]))
        self.head.set_weights(list(weights[of_backbone:]))

    def features(self, images: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        """Computes the features of faces.

        Args:
            images: float32 [m, size, size, 3], RGB, 0 to 255; m of 1 or more.
            training: whether random layers and BatchNormalization act as in training.

        Returns:
            float32 [m, d], whatever the backbone's dtype policy.
        """
        return tf.cast(self.backbone(images, training=training), tf.float32)

    def face_logits(self, features: tf.Tensor) -> tf.Tensor:
        """Scores single faces; the head `lstm` takes each as a sequence of one.

        Args:
            features: float32 [m, d].

        Returns:
            float32 [m]; above 0 is fake.
        """
        if self.config.head == "frame":
            return self.head(features, training=False)
        alone = features[:, tf.newaxis]
        return self.head([alone, tf.ones(tf.shape(alone)[:2], tf.bool)], training=False)

    def track_logits(
        self, features: tf.Tensor, segments: tf.Tensor, count: tf.Tensor, *, training: bool = False
    ) -> tf.Tensor:
        """Scores tracks.

        Args:
            features: float32 [m, d], a track's faces in the order of time.
            segments: int32 [m], 0 to count - 1: the track of each face.
            count: int32 scalar, tracks.
            training: see `features`.

        Returns:
            float32 [count]; NaN for a track without faces.
        """
        if self.config.head == "frame":
            logits = self.head(features, training=training)
            return pool_tracks(logits, segments, count, self.config.pooling)
        order = tf.argsort(segments, stable=True)
        ragged = tf.RaggedTensor.from_value_rowids(
            tf.gather(features, order), tf.gather(segments, order), nrows=count
        )
        lengths = ragged.row_lengths()
        # At least one step, which is padding: an LSTM over no step has no last output.
        padded = tf.pad(ragged.to_tensor(), [[0, 0], [0, 1], [0, 0]])
        padded = tf.ensure_shape(padded, [None, None, features.shape[-1]])
        used = tf.sequence_mask(lengths, tf.shape(padded)[1])
        logits = self.head([padded, used], training=training)
        return tf.where(lengths > 0, logits, float("nan"))

    def __call__(self, images: tf.Tensor, used: tf.Tensor, *, training: bool) -> tf.Tensor:
        """Scores padded sequences of faces.

        Padding does not enter the backbone, where it would change the statistics of the batch.

        Args:
            images: float32 [n, f, size, size, 3], RGB, 0 to 255.
            used: bool [n, f], False where padded; True at least once in each row.
            training: see `features`.

        Returns:
            float32 [n].
        """
        if images.shape[1] == 1:
            # A static shape, as nothing is padded, takes a third less time in bfloat16 on a CPU.
            faces, segments = images[:, 0], tf.range(tf.shape(used)[0])
        else:
            faces = tf.boolean_mask(images, used)
            segments = tf.cast(tf.where(used)[:, 0], tf.int32)
        features = self.features(faces, training=training)
        return self.track_logits(features, segments, tf.shape(used)[0], training=training)


@contextlib.contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Sets Keras' global dtype policy, which new layers take, within a `with` block."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def build(config: ModelConfig, policy: str, *, weights: str | None) -> Classifier:
    """Builds a classifier.

    Args:
        config: network, head, image size, dropout and seed are used.
        policy: Keras dtype policy of the backbone; the head is always float32.
        weights: of the backbone, see `models.backbones.registry.build`.

    Returns:
        The classifier; its head, and a backbone without weights, are random.

    Raises:
        UsageError: the weights cannot be loaded.
    """
    keras.utils.set_random_seed(config.seed)
    with dtype_policy(policy):
        backbone = registry.build(config.model, config.image_size, weights)
    with dtype_policy("float32"):
        width = int(backbone.output_shape[-1])
        head = _frame_head(config, width) if config.head == "frame" else _lstm_head(config, width)
    return Classifier(backbone, head, config)


def in_float32(network: Classifier) -> Classifier:
    """Copies a network into one that computes in float32, to be calibrated and served.

    Args:
        network: built under any policy.
    """
    served = build(network.config, "float32", weights=None)
    served.set_weights(network.get_weights())
    return served


def _frame_head(config: ModelConfig, width: int) -> keras.Model:
    features = keras.Input((width,), name="features")
    return keras.Model(features, _logits(config, features), name="frame_head")


def _lstm_head(config: ModelConfig, width: int) -> keras.Model:
    # Güera and Delp, "Deepfake Video Detection Using Recurrent Neural Networks" (AVSS 2018).
    features = keras.Input((None, width), name="features")
    used = keras.Input((None,), dtype="bool", name="used")
    # cuDNN's LSTM, which Keras would choose on a GPU, cannot be served without one.
    lstm = keras.layers.LSTM(config.lstm_units, use_cudnn=False, name="lstm")
    last = lstm(features, mask=used)
    return keras.Model([features, used], _logits(config, last), name="lstm_head")


def _logits(config: ModelConfig, features: keras.KerasTensor) -> keras.KerasTensor:
    features = keras.layers.Dropout(config.dropout, seed=config.seed, name="dropout")(features)
    logits = keras.layers.Dense(1, name="logit")(features)
    return keras.layers.Reshape((), name="logits")(logits)
