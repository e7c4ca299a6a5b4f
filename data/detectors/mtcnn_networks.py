"""MTCNN's three networks and their weights, as functions of tensors.

Zhang et al. (2016); layers in the order of the `mtcnn` package 1.0.0, whose weights they take.
"""

import functools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import tensorflow as tf

PNET_FIELD = 12
"""PNet's receptive field, pixels a side."""

_PNET_STRIDE = 2


@functools.cache
def load_weights(name: str) -> list[npt.NDArray[np.float32]]:
    """The package's weights of one network, in the order of its layers.

    Args:
        name: `pnet.lz4`, `rnet.lz4` or `onet.lz4`.
    """
    from mtcnn.utils.tensorflow import load_weights as read

    return [np.asarray(weight, np.float32) for weight in read(name)]


def pnet(image: tf.Tensor, weights: list[npt.NDArray]) -> tuple[tf.Tensor, tf.Tensor]:
    """PNet, fully convolutional with stride 2 and a field of 12 x 12 pixels.

    Args:
        image: float32 [n, height, width, 3], normalised; at least 12 pixels a side.
        weights: of `pnet.lz4`.

    Returns:
        Box offsets [n, rows, columns, 4] and face probability [n, rows, columns].
    """
    k1, b1, a1, k2, b2, a2, k3, b3, a3, box_k, box_b, class_k, class_b = weights
    x = _prelu_and_pool(_convolution(image, k1, b1), a1, 2, "SAME")
    x = _prelu(_convolution(x, k2, b2), a2)
    x = _prelu(_convolution(x, k3, b3), a3)
    # Softmax over two classes is a sigmoid of their difference: one convolution for both heads.
    both = _convolution(
        x,
        np.concatenate([box_k, class_k[..., 1:] - class_k[..., :1]], axis=-1),
        np.concatenate([box_b, class_b[1:] - class_b[:1]]),
    )
    return both[..., :4], tf.sigmoid(both[..., 4])


def rnet(crops: tf.Tensor, weights: list[npt.NDArray]) -> tuple[tf.Tensor, tf.Tensor]:
    """RNet: box offsets [m, 4] and face probability [m, 1] of crops [m, 24, 24, 3]."""
    k1, b1, a1, k2, b2, a2, k3, b3, a3, k4, b4, a4, box_k, box_b, class_k, class_b = weights
    x = _prelu_and_pool(_convolution(crops, k1, b1), a1, 3, "SAME")
    x = _prelu_and_pool(_convolution(x, k2, b2), a2, 3, "VALID")
    x = _prelu(_convolution(x, k3, b3), a3)
    x = _prelu(_dense(_flatten(x), k4, b4), a4)
    return _dense(x, box_k, box_b), tf.nn.softmax(_dense(x, class_k, class_b))[:, 1:]


def onet(crops: tf.Tensor, weights: list[npt.NDArray]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """ONet: box offsets [m, 4], landmarks [m, 10], probability [m, 1] of crops [m, 48, 48, 3]."""
    k1, b1, a1, k2, b2, a2, k3, b3, a3, k4, b4, a4, k5, b5, a5 = weights[:15]
    box_k, box_b, point_k, point_b, class_k, class_b = weights[15:]
    x = _prelu_and_pool(_convolution(crops, k1, b1), a1, 3, "SAME")
    x = _prelu_and_pool(_convolution(x, k2, b2), a2, 3, "VALID")
    x = _prelu_and_pool(_convolution(x, k3, b3), a3, 2, "SAME")
    x = _prelu(_convolution(x, k4, b4), a4)
    x = _prelu(_dense(_flatten(x), k5, b5), a5)
    return (
        _dense(x, box_k, box_b),
        _dense(x, point_k, point_b),
        tf.nn.softmax(_dense(x, class_k, class_b))[:, 1:],
    )


def normalize(pixels: tf.Tensor) -> tf.Tensor:
    """Pixels, 0 to 255, as the networks take them: float32, -1 to 1."""
    return (tf.cast(pixels, tf.float32) - 127.5) / 128.0


def propose(
    image: tf.Tensor, weights: list[npt.NDArray], candidates: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """PNet on one level of the pyramid.

    Args:
        image: as `pnet` takes it.
        weights: of `pnet.lz4`.
        candidates: k, boxes that are kept at most.

    Returns:
        The boxes of highest score, [n, k, 4], in pixels of the level, and scores [n, k].
    """
    offsets, probability = pnet(image, weights)
    shape = tf.shape(probability)
    count, places = shape[0], shape[1] * shape[2]
    scores = tf.reshape(probability, [count, places])
    best = tf.minimum(candidates, places)
    scores, indices = tf.math.top_k(scores, best)
    offsets = tf.gather(tf.reshape(offsets, [count, places, 4]), indices, batch_dims=1)
    corner = tf.cast(
        tf.stack([indices % shape[2], indices // shape[2]], axis=-1) * _PNET_STRIDE, tf.float32
    )
    boxes = tf.concat([corner + 1.0, corner + float(PNET_FIELD)], axis=-1) + offsets * (
        PNET_FIELD - 1.0
    )
    return boxes, scores


def on_boxes(
    network: Callable[[tf.Tensor], tuple[tf.Tensor, ...]],
    size: int,
    chunk: int,
    widths: tuple[int, ...],
    frames: tf.Tensor,
    boxes: tf.Tensor,
    scores: tf.Tensor,
) -> list[tf.Tensor]:
    """Runs a network on the crops of the boxes in use, those of positive score.

    It works in chunks of one size, filled up with the first box. So memory is bounded however many
    faces a crowd has, and no batch is empty, for which oneDNN would return a wrong shape.

    Args:
        network: from normalised crops [chunk, size, size, 3] to outputs [chunk, width].
        size: pixels a side of the crops.
        chunk: crops at a time.
        widths: of the network's outputs.
        frames: uint8 [n, height, width, 3].
        boxes: float32 [n, k, 4].
        scores: float32 [n, k].

    Returns:
        The outputs, float32 [n, k, width], 0 for the boxes that are not in use.
    """
    rows = tf.where(scores > 0.0)
    count = tf.shape(rows)[0]
    height, width = tf.shape(frames)[1], tf.shape(frames)[2]
    # The package divides by the size, where crop_and_resize multiplies by the size less one.
    extent = tf.cast(tf.stack([height, width, height, width]), tf.float32)

    def run(chunk_rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        corners = tf.gather(tf.gather_nd(boxes, chunk_rows), [1, 0, 3, 2], axis=1) / extent
        crops = tf.image.crop_and_resize(
            frames,
            corners,
            tf.cast(chunk_rows[:, 0], tf.int32),
            [size, size],
            extrapolation_value=127.5,
        )
        return network(normalize(crops))

    padded = tf.pad(rows, [[0, -count % chunk], [0, 0]])
    outputs = tf.map_fn(
        run,
        tf.reshape(padded, [-1, chunk, 2]),
        fn_output_signature=tuple(tf.TensorSpec([chunk, width], tf.float32) for width in widths),
    )
    shape = tf.shape(scores, tf.int64)
    return [
        tf.scatter_nd(
            rows,
            tf.reshape(output, [-1, width])[:count],
            tf.concat([shape, tf.constant([width], tf.int64)], axis=0),
        )
        for output, width in zip(outputs, widths, strict=True)
    ]


def _convolution(x: tf.Tensor, kernel: npt.NDArray, bias: npt.NDArray) -> tf.Tensor:
    return tf.nn.bias_add(tf.nn.conv2d(x, kernel, strides=1, padding="VALID"), bias)


def _prelu(x: tf.Tensor, alpha: npt.NDArray) -> tf.Tensor:
    # Half again as fast on a CPU as the same with tf.where.
    return tf.nn.relu(x) - alpha * tf.nn.relu(-x)


def _prelu_and_pool(x: tf.Tensor, alpha: npt.NDArray, size: int, padding: str) -> tf.Tensor:
    """`_pool(_prelu(x, alpha), ...)`, but activates the few pooled values and not all.

    A PReLU of any slope has its greatest value over a window at the window's greatest or least
    input.
    """
    highest, lowest = _pool(x, size, padding), -_pool(-x, size, padding)
    return tf.maximum(_prelu(highest, alpha), _prelu(lowest, alpha))


def _pool(x: tf.Tensor, size: int, padding: str) -> tf.Tensor:
    return tf.nn.max_pool2d(x, size, 2, padding)


def _flatten(x: tf.Tensor) -> tf.Tensor:
    # The weights come from Caffe, which is column-major.
    x = tf.transpose(x, [0, 2, 1, 3])
    return tf.reshape(x, [-1, x.shape[1] * x.shape[2] * x.shape[3]])


def _dense(x: tf.Tensor, kernel: npt.NDArray, bias: npt.NDArray) -> tf.Tensor:
    return tf.nn.bias_add(tf.matmul(x, kernel), bias)
