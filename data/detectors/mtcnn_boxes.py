"""Arithmetic of MTCNN's boxes in a TensorFlow graph, as the `mtcnn` package 1.0.0 does it in numpy.

Boxes are float32 [n, k, 4], x_min, y_min, x_max, y_max in pixels; scores are float32 [n, k], 0 for
a box that is not in use.
"""

import tensorflow as tf


def top_k(
    boxes: tf.Tensor, scores: tf.Tensor, count: int, *others: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """The `count` best of each image in falling order of score, padded with zeros.

    Others are [n, k, ...], and go with their boxes.
    """
    kept = tf.minimum(count, tf.shape(scores)[1])
    missing = count - kept
    scores, indices = tf.math.top_k(scores, kept)

    def pick(values: tf.Tensor) -> tf.Tensor:
        values = tf.gather(values, indices, batch_dims=1)
        return tf.pad(values, [[0, 0], [0, missing]] + [[0, 0]] * (values.shape.rank - 2))

    scores = tf.pad(scores, [[0, 0], [0, missing]])
    return pick(boxes), scores, *(pick(other) for other in others)


def suppress(
    boxes: tf.Tensor, scores: tf.Tensor, threshold: float, *, over_smaller: bool = False
) -> tf.Tensor:
    """Sets to 0 the score of each box that a better one overlaps by more than `threshold`.

    As in the package a suppressed box still suppresses. Boxes [n, k, 4] must be in falling
    order of score. Overlap is over the union, or over the smaller box.
    """
    area = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    low = tf.maximum(boxes[:, :, None, :2], boxes[:, None, :, :2])
    high = tf.minimum(boxes[:, :, None, 2:], boxes[:, None, :, 2:])
    overlap = tf.reduce_prod(tf.maximum(high - low, 0.0), axis=-1)
    if over_smaller:
        whole = tf.minimum(area[:, :, None], area[:, None, :])
    else:
        whole = area[:, :, None] + area[:, None, :] - overlap
    places = tf.range(tf.shape(scores)[1])
    fails = (overlap > threshold * whole) & (places[:, None] < places)
    suppressed = tf.reduce_any(fails, axis=1)
    return tf.where(suppressed, 0.0, scores)


def nms(
    boxes: tf.Tensor, scores: tf.Tensor, threshold: float, count: int, *, min_score: float = 0.0
) -> tuple[tf.Tensor, tf.Tensor]:
    """Non-maximum suppression: no box kept overlaps a better one by more than `threshold`.

    TensorFlow's own kernel, twenty times as fast as `suppress` and free of its table of pairs.

    Args:
        boxes: float32 [n, k, 4], in any order.
        scores: float32 [n, k].
        threshold: overlap over union, 0 to 1.
        count: boxes kept an image.
        min_score: only boxes of a higher score are kept.

    Returns:
        Boxes [n, count, 4] and scores [n, count], in falling order of score, padded with zeros.
    """
    kept = tf.image.combined_non_max_suppression(
        boxes[:, :, tf.newaxis],
        scores[:, :, tf.newaxis],
        max_output_size_per_class=count,
        max_total_size=count,
        iou_threshold=threshold,
        score_threshold=min_score,
        clip_boxes=False,
    )
    return kept.nmsed_boxes, kept.nmsed_scores


def square(boxes: tf.Tensor) -> tf.Tensor:
    """Square boxes about the same centres, as wide as the longer side."""
    size = boxes[..., 2:] - boxes[..., :2]
    side = tf.reduce_max(size, axis=-1, keepdims=True)
    low = boxes[..., :2] + size * 0.5 - side * 0.5
    return tf.concat([low, low + side], axis=-1)


def sides(boxes: tf.Tensor) -> tf.Tensor:
    """Width, height, width, height of boxes [n, k, 4], counting both border pixels."""
    size = boxes[..., 2:] - boxes[..., :2] + 1.0
    return tf.concat([size, size], axis=-1)
