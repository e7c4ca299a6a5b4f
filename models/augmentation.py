"""What is done to training crops, all from a seed given with each pair."""

import tensorflow as tf

from models.config import AugmentationConfig


def augment(pair: tf.Tensor, seed: tf.Tensor, config: AugmentationConfig) -> tf.Tensor:
    """Changes a real and a fake crop alike, so that what differs stays the manipulation.

    Stateless operations alone: the same seed gives the same result in whatever order
    parallel calls come.

    Args:
        pair: float32 [2, size, size, 3], 0 to 255.
        seed: int32 or int64 [2].
        config: strengths.

    Returns:
        float32, same shape and range.
    """
    seeds = tf.unstack(tf.random.split(seed, 5))
    if config.flip:
        pair = _flip(pair, seeds[0])
    if config.shift:
        pair = _shift(pair, seeds[1], config.shift)
    if config.brightness:
        pair = pair + 255.0 * _uniform(seeds[2], config.brightness)
    if config.contrast:
        mean = tf.reduce_mean(pair, axis=[1, 2], keepdims=True)
        pair = (pair - mean) * (1.0 + _uniform(seeds[3], config.contrast)) + mean
    pair = tf.clip_by_value(pair, 0.0, 255.0)
    # Last, as the compression of a published video comes after its colours.
    if config.jpeg_min_quality < 100:
        pair = _recompress(pair, seeds[4], config.jpeg_min_quality)
    return pair


def _uniform(seed: tf.Tensor, bound: float) -> tf.Tensor:
    return tf.random.stateless_uniform([], seed, -bound, bound)


def _flip(pair: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    return tf.cond(
        tf.random.stateless_uniform([], seed) < 0.5, lambda: pair[:, :, ::-1], lambda: pair
    )


def _shift(pair: tf.Tensor, seed: tf.Tensor, pixels: int) -> tf.Tensor:
    size = pair.shape[1]
    # Mirrored borders: black ones would tell the network which way the crop moved.
    padded = tf.pad(pair, [[0, 0], [pixels, pixels], [pixels, pixels], [0, 0]], mode="REFLECT")
    offset = tf.random.stateless_uniform([2], seed, 0, 2 * pixels + 1, tf.int32)
    return tf.slice(padded, [0, offset[0], offset[1], 0], [-1, size, size, 3])


def _recompress(pair: tf.Tensor, seed: tf.Tensor, min_quality: int) -> tf.Tensor:
    # In uint8: tf.image takes floats for 0 to 1 and would saturate.
    pixels = tf.cast(tf.round(pair), tf.uint8)
    crops = tf.map_fn(
        lambda crop: tf.image.stateless_random_jpeg_quality(crop, min_quality, 100, seed), pixels
    )
    return tf.ensure_shape(tf.cast(crops, tf.float32), pair.shape)
