"""What Transform computes: label, weight and the buckets by which results are sliced."""

from typing import TypeAlias

import tensorflow as tf
import tensorflow_transform as tft

from data.contract import SLICE_PREFIX, Label
from data.utils.errors import UsageError

LABEL = "label"
WEIGHT = "weight"
FACE_SIZE_SLICE = SLICE_PREFIX + "face_size"
SHARPNESS_SLICE = SLICE_PREFIX + "sharpness"
BIT_RATE_SLICE = SLICE_PREFIX + "bit_rate"

BUCKETS = {
    FACE_SIZE_SLICE: ("small", "medium", "large"),
    SHARPNESS_SLICE: ("low", "medium", "high"),
    BIT_RATE_SLICE: ("low", "medium", "high"),
}
"""Names of each slice's buckets, from the lowest third of the training videos to the highest."""

RAW_FEATURES = ("label", "video/bit_rate", "face/box", "face/sharpness", "face/usable")
"""Features of an Example that the transformation reads."""

Feature: TypeAlias = tf.Tensor | tf.SparseTensor | tf.RaggedTensor


def preprocessing_fn(inputs: dict[str, Feature]) -> dict[str, tf.Tensor]:
    """The TFX Transform component's entry.

    Args:
        inputs: raw features of a batch of n videos by name; those to which the schema gives no
            shape are sparse tensors.

    Returns:
        label: int64 [n], unchanged; the Evaluator reads it.
        weight: float32 [n]; over the training split both classes have the same total, and the
            mean is 1.
        slice/face_size, slice/sharpness, slice/bit_rate: string [n], the third of the
            training videos into which the video's median usable face (shorter side of its
            box, sharpness) or its bit rate falls.

    Raises:
        UsageError: a raw feature has the name of a slice.
    """
    clashes = sorted(set(BUCKETS) & set(inputs))
    if clashes:
        raise UsageError(
            f"the dataset's columns {', '.join(clashes)} have names of unmask's own slices; "
            "rename them in the manifest"
        )
    label = tf.cast(_scalars(inputs["label"]), tf.int64)
    usable = _lists(inputs["face/usable"]) == 1
    boxes = _lists(inputs["face/box"])
    corners = tf.reshape(boxes.flat_values, [-1, 4])
    sides = tf.reduce_min(corners[:, 2:] - corners[:, :2], axis=1)
    face_sizes = tf.RaggedTensor.from_row_lengths(sides, boxes.row_lengths() // 4)
    measures = {
        FACE_SIZE_SLICE: row_medians(tf.ragged.boolean_mask(face_sizes, usable)),
        SHARPNESS_SLICE: row_medians(
            tf.ragged.boolean_mask(_lists(inputs["face/sharpness"]), usable)
        ),
        BIT_RATE_SLICE: _scalars(inputs["video/bit_rate"]),
    }
    buckets = {
        name: tf.gather(tf.constant(BUCKETS[name]), tft.bucketize(measure, num_buckets=3))
        for name, measure in measures.items()
    }
    fakes = tft.mean(tf.cast(label, tf.float32))
    share = tf.where(label == Label.FAKE, fakes, 1.0 - fakes)
    return {LABEL: label, WEIGHT: tf.math.divide_no_nan(0.5, share), **buckets}


def row_medians(values: tf.RaggedTensor) -> tf.Tensor:
    """Median of each row.

    Args:
        values: float32 [n, (m)].

    Returns:
        float32 [n]; 0 for an empty row.

    Example:
        >>> row_medians(tf.ragged.constant([[1.0, 4.0, 2.0], []])).numpy()
        array([2., 0.], dtype=float32)
    """
    lengths = values.row_lengths()
    # Infinity sorts behind the values; an empty row takes the appended 0.
    padded = tf.sort(values.to_tensor(default_value=float("inf")), axis=1)
    padded = tf.concat([padded, tf.zeros_like(lengths, tf.float32)[:, tf.newaxis]], axis=1)
    width = tf.shape(padded, tf.int64)[1]
    lower = tf.where(lengths > 0, (lengths - 1) // 2, width - 1)
    upper = tf.where(lengths > 0, lengths // 2, width - 1)
    return (tf.gather(padded, lower, batch_dims=1) + tf.gather(padded, upper, batch_dims=1)) / 2.0


def _lists(feature: Feature) -> tf.RaggedTensor:
    if isinstance(feature, tf.SparseTensor):
        return tf.RaggedTensor.from_sparse(feature)
    if isinstance(feature, tf.RaggedTensor):
        return feature
    return tf.RaggedTensor.from_tensor(feature)


def _scalars(feature: Feature) -> tf.Tensor:
    """Flattens any kind of tensor [n, 1] to [n]."""
    if isinstance(feature, tf.SparseTensor):
        return tf.reshape(feature.values, [-1])
    if isinstance(feature, tf.RaggedTensor):
        return tf.reshape(feature.flat_values, [-1])
    return tf.reshape(feature, [-1])
