"""The network that tells fakes: a backbone that describes faces, and a head that judges them."""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence

import keras
import numpy.typing as npt
import tensorflow as tf

from models.backbones import registry
from models.config.model import ModelConfig
from models.networks.pooling import pool_tracks


@dataclasses.dataclass(frozen=True)
class Classifier:
    """A backbone with its head.

    Attributes:
        backbone: from images, float32 [m, size, size, 3], RGB, 0 to 255, to features [m, d].
        head: `frame`: from features [m, d] to float32 logits [m]; `lstm`: from features
            [n, f, d] and bool [n, f], what of these is no padding, to float32 logits [n].
        config: what it was built by.
    """

    backbone: keras.Model
    head: keras.Model
    config: ModelConfig

    @property
    def variables(self) -> list[keras.Variable]:
        """All variables, the states of random layers among them."""
        return [*self.backbone.variables, *self.head.variables]

    @property
    def trainable_variables(self) -> list[keras.Variable]:
        """What learns at present."""
        return [*self.backbone.trainable_variables, *self.head.trainable_variables]

    def get_weights(self) -> list[npt.NDArray]:
        """Copies of all weights, the backbone's first."""
        return [*self.backbone.get_weights(), *self.head.get_weights()]

    def set_weights(self, weights: Sequence[npt.NDArray]) -> None:
        """Takes what `get_weights` gave.

        Raises:
            ValueError: they are not this network's in number or shape.
        """
        of_backbone = len(self.backbone.weights)
        self.backbone.set_weights(list(weights[:of_backbone]))
        self.head.set_weights(list(weights[of_backbone:]))

    def features(self, images: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        """Describes faces.

        Args:
            images: float32 [m, size, size, 3], RGB, 0 to 255; m of 1 or more.
            training: whether random layers and batch statistics are those of training.

        Returns:
            float32 [m, d], whatever the backbone computes in.
        """
        return tf.cast(self.backbone(images, training=training), tf.float32)

    def face_logits(self, features: tf.Tensor) -> tf.Tensor:
        """Judges single faces: a sequence head takes each for a sequence of one.

        Args:
            features: float32 [m, d].

        Returns:
            float32 [m]; above 0 speaks for fake.
        """
        if self.config.head == "frame":
            return self.head(features, training=False)
        alone = features[:, tf.newaxis]
        return self.head([alone, tf.ones(tf.shape(alone)[:2], tf.bool)], training=False)

    def track_logits(
        self, features: tf.Tensor, segments: tf.Tensor, count: tf.Tensor, *, training: bool = False
    ) -> tf.Tensor:
        """Judges tracks, each by its own faces alone.

        Args:
            features: float32 [m, d], a track's faces in the order of time.
            segments: int32 [m], 0 to count - 1: the track of each face.
            count: int32 scalar, tracks.
            training: as of `features`.

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
        # One step of padding more than needed: an LSTM over no step has no last output.
        padded = tf.pad(ragged.to_tensor(), [[0, 0], [0, 1], [0, 0]])
        padded = tf.ensure_shape(padded, [None, None, features.shape[-1]])
        used = tf.sequence_mask(lengths, tf.shape(padded)[1])
        logits = self.head([padded, used], training=training)
        return tf.where(lengths > 0, logits, float("nan"))

    def __call__(self, images: tf.Tensor, used: tf.Tensor, *, training: bool) -> tf.Tensor:
        """Judges padded sequences of faces.

        Padding never enters the network, or it would change the statistics of a batch.

        Args:
            images: float32 [n, f, size, size, 3], RGB, 0 to 255.
            used: bool [n, f], what of these is no padding; in each row at least one.
            training: as of `features`.

        Returns:
            float32 [n].
        """
        if images.shape[1] == 1:
            # Nothing to pad, and a size known beforehand: half again as fast in bfloat16 on a CPU.
            faces, segments = images[:, 0], tf.range(tf.shape(used)[0])
        else:
            faces = tf.boolean_mask(images, used)
            segments = tf.cast(tf.where(used)[:, 0], tf.int32)
        features = self.features(faces, training=training)
        return self.track_logits(features, segments, tf.shape(used)[0], training=training)


@contextlib.contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Sets Keras' global dtype policy, which backbones build their layers under, for a while."""
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
        policy: Keras dtype policy of the backbone; the head is float32 whatever it is.
        weights: of the backbone, see `models.backbones.registry.build`.

    Returns:
        The classifier; random where no weights are given.

    Raises:
        UsageError: the weights cannot be had.
    """
    keras.utils.set_random_seed(config.seed)
    with dtype_policy(policy):
        backbone = registry.build(config.model, config.image_size, weights)
    with dtype_policy("float32"):
        width = int(backbone.output_shape[-1])
        head = _frame_head(config, width) if config.head == "frame" else _lstm_head(config, width)
    return Classifier(backbone, head, config)


def in_float32(network: Classifier) -> Classifier:
    """The same network with the same weights, computing in float32: what is calibrated and served.

    Args:
        network: made by `build` under any policy.

    Returns:
        A new network.
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
    # cuDNN's LSTM, which a machine with a GPU would choose, cannot be served on one without.
    lstm = keras.layers.LSTM(config.lstm_units, use_cudnn=False, name="lstm")
    last = lstm(features, mask=used)
    return keras.Model([features, used], _logits(config, last), name="lstm_head")


def _logits(config: ModelConfig, features: keras.KerasTensor) -> keras.KerasTensor:
    features = keras.layers.Dropout(config.dropout, seed=config.seed, name="dropout")(features)
    logits = keras.layers.Dense(1, name="logit")(features)
    return keras.layers.Reshape((), name="logits")(logits)
