"""Pools the logits of a track's faces to the logit of the track, in a graph."""

import math

import tensorflow as tf

CONFIDENT = 0.8
"""A face is confidently fake above this probability, confidently real below 1 minus it."""

CONFIDENT_FAKES = 0.4
"""Share of a track's faces above which its confidently fake ones decide."""

CONFIDENT_FAKES_AT_LEAST = 12
"""Least number of confidently fake faces for that."""

CONFIDENT_REALS = 0.9
"""Share of a track's faces above which its confidently real ones decide."""


def pool_tracks(logits: tf.Tensor, segments: tf.Tensor, count: tf.Tensor, how: str) -> tf.Tensor:
    """Pools the logits of faces to logits of tracks.

    `mean` is the mean of all, `max` the largest. `confident_mean` is the mean of the confidently
    fake faces if there are many of them, of the confidently real ones if nearly all are, and
    otherwise of all. This is the rule of the DFDC's winner
    (github.com/selimsef/dfdc_deepfake_challenge, `confident_strategy` in kernel_utils.py) with its
    numbers; there the mean is of probabilities.

    Args:
        logits: float32 [m], one a face.
        segments: int32 [m], 0 to count - 1: the track of each face, in any order.
        count: int32 scalar, tracks.
        how: `mean`, `confident_mean` or `max`.

    Returns:
        float32 [count], NaN for a track without faces.

    Example:
        >>> logits, segments = tf.constant([1.0, 3.0, -2.0]), tf.constant([0, 0, 1])
        >>> pool_tracks(logits, segments, tf.constant(2), "mean").numpy()
        array([ 2., -2.], dtype=float32)
    """
    faces = _sum(tf.ones_like(logits), segments, count)
    if how == "max":
        pooled = tf.math.unsorted_segment_max(logits, segments, count)
        return tf.where(faces > 0, pooled, float("nan"))
    mean = _sum(logits, segments, count) / faces  # 0 / 0 is NaN
    if how == "mean":
        return mean
    threshold = math.log(CONFIDENT / (1 - CONFIDENT))
    fake, real = tf.cast(logits > threshold, tf.float32), tf.cast(logits < -threshold, tf.float32)
    fakes, reals = _sum(fake, segments, count), _sum(real, segments, count)
    fake_mean = tf.math.divide_no_nan(_sum(logits * fake, segments, count), fakes)
    real_mean = tf.math.divide_no_nan(_sum(logits * real, segments, count), reals)
    many_fakes = (fakes > CONFIDENT_FAKES * faces) & (fakes >= CONFIDENT_FAKES_AT_LEAST)
    mostly_real = reals > CONFIDENT_REALS * faces
    return tf.where(many_fakes, fake_mean, tf.where(mostly_real, real_mean, mean))


def _sum(values: tf.Tensor, segments: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    return tf.math.unsorted_segment_sum(values, segments, count)
