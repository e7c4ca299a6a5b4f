"""Augmentation of training crops: all crops of a pair or a track are changed alike.

All is drawn from a seed and nothing keeps a state, so that the order of parallel calls does not
matter. (keras-cv's layers keep a random state of their own, and its JPEG layer saturates images
of 0 to 255.)
"""

import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.config import AugmentationConfig

# Names of the numbers that are drawn, each from 0 to 1. Their places are fixed, so that the other
# draws stay the same when an operation is switched off.
_DRAWN = (
    *("flips", "warps", "rotation", "shift_x", "shift_y", "zoom"),
    *("recolours", "brightness", "contrast", "saturation", "red", "green", "blue"),
    *("blurs", "blur", "adds_noise", "noise", "scales", "scaling"),
    *("recompresses", "quality", "cuts_out", "part", "radius"),
)
_MIRRORED = (1, 0, 2, 4, 3)  # the landmarks' order after left and right change places
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601

_Draws = dict[str, tf.Tensor]


def augment(
    images: tf.Tensor, landmarks: tf.Tensor, seed: tf.Tensor, config: AugmentationConfig
) -> tuple[tf.Tensor, tf.Tensor]:
    """Changes images of a pair or a track alike, so that they differ by the manipulation alone.

    Every choice and strength is drawn once; only the noise itself differs between the images.
    The operations in their order: flip, rotation, shift and zoom; colour; blur; noise; loss of
    resolution; JPEG compression; and last the cutout, so that nothing changes its black.

    Args:
        images: float32 [k, size, size, 3], 0 to 255; size is static, k of 1 or more.
        landmarks: float32 [k, 5, 2], x and y in pixels of these images, in the order of
            `data.contract`; a pixel's centre is a whole number; NaN where unknown.
        seed: int32 or int64 [2].
        config: strengths and probabilities.

    Returns:
        images: float32, same shape and range.
        landmarks: float32, same shape: the points moved with the images; after a flip, too, the
            subject's right eye is the first.
    """
    draw_seed, noise_seed = tf.unstack(tf.random.split(seed, 2))
    uniform = tf.random.stateless_uniform([len(_DRAWN)], draw_seed)
    draws = dict(zip(_DRAWN, tf.unstack(uniform), strict=True))
    images, landmarks = _move(images, landmarks, draws, config)
    # Operations whose strength is 0 do not enter the graph.
    colours = (config.brightness, config.contrast, config.saturation, config.colour_shift)
    for draw, probability, strength, change, inputs in (
        ("recolours", config.colour_probability, max(colours), _recolour, ()),
        ("blurs", config.blur_probability, config.blur, _blur, ()),
        ("adds_noise", config.noise_probability, config.noise, _add_noise, (noise_seed,)),
        ("scales", config.scaling_probability, config.scaling, _shrink_and_enlarge, ()),
        ("recompresses", config.jpeg_probability, 100 - config.jpeg_min_quality, _recompress, ()),
        ("cuts_out", config.cutout_probability, config.cutout, _cut_out, (landmarks,)),
    ):
        if strength:
            images = _if(draws[draw] < probability, change, images, *inputs, draws, config)
    return images, landmarks


def _if(
    condition: tf.Tensor, change: Callable[..., tf.Tensor], images: tf.Tensor, *arguments: Any
) -> tf.Tensor:
    """Changes the images if the condition holds, and only then computes the change."""
    changed = tf.cond(condition, lambda: change(images, *arguments), lambda: images)
    return tf.ensure_shape(changed, images.shape)


def _within(draw: tf.Tensor, bound: float) -> tf.Tensor:
    """Maps a draw from 0 to 1 to a number from -bound to +bound."""
    return (2.0 * draw - 1.0) * bound


def _to_range(images: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value(images, 0.0, 255.0)


def _move(
    images: tf.Tensor, landmarks: tf.Tensor, draws: _Draws, config: AugmentationConfig
) -> tuple[tf.Tensor, tf.Tensor]:
    """Flips, rotates, shifts and zooms about the image's centre, all in one interpolation."""
    size = images.shape[1]
    flips = draws["flips"] < config.flip
    warps = draws["warps"] < config.warp_probability
    warp = tf.cast(warps, tf.float32)
    angle = warp * _within(draws["rotation"], math.radians(config.rotation))
    zoom = 1.0 + warp * _within(draws["zoom"], config.zoom)
    shift = warp * _within(tf.stack([draws["shift_x"], draws["shift_y"]]), config.shift * size)
    mirror = 1.0 - 2.0 * tf.cast(flips, tf.float32)
    cosine, sine = zoom * tf.cos(angle), zoom * tf.sin(angle)
    # Maps a point of the original to its new place.
    forward = tf.stack([[mirror * cosine, -sine], [mirror * sine, cosine]])
    centre = (size - 1) / 2
    landmarks = tf.linalg.matmul(landmarks - centre, forward, transpose_b=True) + centre + shift
    landmarks = tf.where(flips, tf.gather(landmarks, _MIRRORED, axis=1), landmarks)

    def warped() -> tf.Tensor:
        # The warp needs the opposite: from each pixel of the result to its origin.
        backward = tf.linalg.inv(forward)
        offset = centre - tf.linalg.matvec(backward, centre + shift)
        matrix = tf.concat([backward, offset[:, tf.newaxis]], axis=1)
        moved = tf.numpy_function(_warp, [images, matrix], tf.float32, stateful=False)
        return tf.ensure_shape(moved, images.shape)

    def not_warped() -> tf.Tensor:
        return tf.cond(flips, lambda: tf.reverse(images, [2]), lambda: images)

    if config.warp_probability and (config.rotation or config.shift or config.zoom):
        return tf.cond(warps, warped, not_warped), landmarks
    return not_warped(), landmarks


def _warp(
    images: npt.NDArray[np.float32], matrix: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Warps images, bilinear; the matrix [2, 3] maps each pixel of the result to its origin.

    OpenCV takes a quarter of the time of TensorFlow's ImageProjectiveTransformV3, which was half
    of all augmentation's.
    """
    size = images.shape[2], images.shape[1]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    # Black borders would tell the network which way the crop moved.
    border = cv2.BORDER_REFLECT
    warped = np.empty_like(images)
    for before, after in zip(images, warped, strict=True):
        cv2.warpAffine(before, matrix, size, after, flags, border)
    return warped


def _recolour(images: tf.Tensor, draws: _Draws, config: AugmentationConfig) -> tf.Tensor:
    """Changes saturation, contrast, brightness and channels by one affine map of each pixel."""
    saturation = 1.0 + _within(draws["saturation"], config.saturation)
    contrast = 1.0 + _within(draws["contrast"], config.contrast)
    shift = _within(tf.stack([draws[name] for name in ("red", "green", "blue")]), 1.0)
    added = config.colour_shift * shift + _within(draws["brightness"], config.brightness)
    grey = tf.tile(tf.constant(_LUMA)[:, tf.newaxis], [1, 3])
    matrix = contrast * (saturation * tf.eye(3) + (1.0 - saturation) * grey)
    pixels = tf.reshape(images, [-1, 3])
    added = 127.5 * (1.0 - contrast) + 255.0 * added
    changed = tf.nn.bias_add(tf.matmul(pixels, matrix), added)
    return _to_range(tf.reshape(changed, tf.shape(images)))


def _blur(images: tf.Tensor, draws: _Draws, config: AugmentationConfig) -> tf.Tensor:
    """Blurs with a Gaussian, first along columns, then along rows."""
    radius = math.ceil(3.0 * config.blur)
    deviation = tf.maximum(draws["blur"] * config.blur, 1e-3)
    distance = tf.range(-radius, radius + 1, dtype=tf.float32)
    weights = tf.nn.softmax(-tf.square(distance / deviation) / 2.0)
    kernel = tf.tile(weights[:, tf.newaxis, tf.newaxis, tf.newaxis], [1, 1, 3, 1])
    border = [[0, 0], [radius, radius], [radius, radius], [0, 0]]
    padded = tf.pad(images, border, mode="SYMMETRIC")
    down = tf.nn.depthwise_conv2d(padded, kernel, [1, 1, 1, 1], "VALID")
    across = tf.transpose(kernel, [1, 0, 2, 3])
    # The sum of the weights may be slightly above 1.
    return _to_range(tf.nn.depthwise_conv2d(down, across, [1, 1, 1, 1], "VALID"))


def _add_noise(
    images: tf.Tensor, seed: tf.Tensor, draws: _Draws, config: AugmentationConfig
) -> tf.Tensor:
    deviation = 255.0 * config.noise * draws["noise"]
    return _to_range(images + deviation * tf.random.stateless_normal(tf.shape(images), seed))


def _shrink_and_enlarge(images: tf.Tensor, draws: _Draws, config: AugmentationConfig) -> tf.Tensor:
    size = images.shape[1]
    side = tf.cast(tf.round(size * (1.0 - config.scaling * draws["scaling"])), tf.int32)
    small = tf.image.resize(images, tf.stack([side, side]), antialias=True)
    return _to_range(tf.image.resize(small, [size, size]))


def _recompress(images: tf.Tensor, draws: _Draws, config: AugmentationConfig) -> tf.Tensor:
    worst = config.jpeg_min_quality
    quality = tf.cast(tf.round(worst + (100 - worst) * draws["quality"]), tf.int32)
    # In uint8, because tf.image expects floats from 0 to 1 and would saturate.
    pixels = tf.cast(tf.round(images), tf.uint8)

    def recompressed(image: tf.Tensor) -> tf.Tensor:
        encoded = tf.raw_ops.EncodeJpegVariableQuality(images=image, quality=quality)
        return tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")

    shape = images.shape[1:]
    decoded = tf.map_fn(recompressed, pixels, fn_output_signature=tf.TensorSpec(shape, tf.uint8))
    return tf.cast(decoded, tf.float32)


def _cut_out(
    images: tf.Tensor, landmarks: tf.Tensor, draws: _Draws, config: AugmentationConfig
) -> tf.Tensor:
    """Blackens the pixels near the line of the eyes, the nose or the mouth.

    As the winner of the DeepFake Detection Challenge did. If one image lacks the points, none is
    changed: a patch in only some images would tell them from the others.
    """
    size = images.shape[1]
    right_eye, left_eye, nose, right_mouth, left_mouth = tf.unstack(landmarks, axis=1)
    bridge = (right_eye + left_eye) / 2.0
    ends = tf.stack([[right_eye, left_eye], [bridge, nose], [right_mouth, left_mouth]])
    part = tf.minimum(tf.cast(3.0 * draws["part"], tf.int32), 2)
    ends = ends[part][..., tf.newaxis, tf.newaxis]  # [start or end, k, x or y, 1, 1]
    start_x, start_y = tf.unstack(ends[0], axis=1)
    along_x, along_y = tf.unstack(ends[1] - ends[0], axis=1)
    # Each pixel's place along the line, from 0 to 1, and its distance from that place.
    index = tf.range(size, dtype=tf.float32)
    x, y = index[tf.newaxis, :] - start_x, index[:, tf.newaxis] - start_y
    squared_length = tf.square(along_x) + tf.square(along_y)
    place = tf.math.divide_no_nan(x * along_x + y * along_y, squared_length)
    place = tf.clip_by_value(place, 0.0, 1.0)
    squared_distance = tf.square(x - place * along_x) + tf.square(y - place * along_y)
    radius = config.cutout * size * (0.5 + 0.5 * draws["radius"])
    known = tf.reduce_all(tf.math.is_finite(ends))
    is_far = tf.cast(~known | (squared_distance >= tf.square(radius)), tf.float32)
    return images * is_far[..., tf.newaxis]
