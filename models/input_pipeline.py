"""tf.data from a crop store to batches."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from data import contract
from models import pictures
from models.augmentation import augment
from models.config import ModelConfig
from models.crop_store import CropStore
from models.sampling import PairSampler, RealSampler
from models.self_blending import self_blend

_WORKERS = 2  # decoding keeps ahead of any network with these


def training_batches(
    store: CropStore, crops: npt.NDArray[np.int64], config: ModelConfig
) -> tf.data.Dataset:
    """Endless batches of augmented pairs, the same at every run with the same seed.

    Args:
        store: the training split.
        crops: int64 [k], rows of its index to draw from.
        config: batch size, image size, whose fakes, augmentation and seed.

    Returns:
        Batches of faces, float32 [2 * batch_size, size, size, 3], 0 to 255, and labels,
        float32 [2 * batch_size], real and fake by turns.

    Raises:
        UsageError: a class is missing; with `fakes: self_blended`, no real crop has its landmarks.
    """
    is_blending = config.fakes == "self_blended"
    sampler = (RealSampler if is_blending else PairSampler)(store.index, crops, config.seed)
    drawn = 1 if is_blending else 2
    size = config.image_size

    def numbered() -> Iterator[tuple[int, list[int], npt.NDArray[np.float32]]]:
        for number, crop_rows in enumerate(sampler):
            rows = list(crop_rows)
            yield number, rows, store.index.landmarks[rows]

    def load_pair(
        number: tf.Tensor, rows: tf.Tensor, landmarks: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        seed = tf.stack([tf.constant(config.seed, tf.int64), number])
        pair = [_read(store, row) for row in tf.unstack(rows)]
        if is_blending:
            pair = _self_blend(pair[0], landmarks[0], seed)
            landmarks = tf.repeat(landmarks, 2, axis=0)
        points = [
            _rescale(points, crop, size)
            for points, crop in zip(tf.unstack(landmarks), pair, strict=True)
        ]
        faces = tf.stack([pictures.resize(crop, size) for crop in pair])
        faces, _ = augment(faces, tf.stack(points), seed, config.augmentation)
        return faces, tf.constant([0.0, 1.0])

    def flatten(faces: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.reshape(faces, [-1, size, size, 3]), tf.reshape(labels, [-1])

    pairs = tf.data.Dataset.from_generator(
        numbered,
        output_signature=(
            tf.TensorSpec([], tf.int64),
            tf.TensorSpec([drawn], tf.int64),
            tf.TensorSpec([drawn, contract.LANDMARK_COUNT, 2], tf.float32),
        ),
    )
    return (
        pairs.map(load_pair, num_parallel_calls=_WORKERS, deterministic=True)
        .batch(config.batch_size, drop_remainder=True)
        .map(flatten)
        .prefetch(2)
    )


def scoring_batches(
    store: CropStore, crops: npt.NDArray[np.int64], image_size: int, batch_size: int
) -> tf.data.Dataset:
    """Batches of crops in order, unchanged but for their size.

    Args:
        store: a split.
        crops: int64 [k], rows of its index.
        image_size: pixels a side.
        batch_size: crops in a batch; the last one may hold fewer.

    Returns:
        Batches of faces, float32 [b, image_size, image_size, 3], 0 to 255.
    """
    return (
        tf.data.Dataset.from_tensor_slices(crops)
        .map(
            lambda row: pictures.resize(_read(store, row), image_size),
            num_parallel_calls=_WORKERS,
        )
        .batch(batch_size)
        .prefetch(2)
    )


def _read(store: CropStore, row: tf.Tensor) -> tf.Tensor:
    """A crop at its own size, uint8 [height, width, 3]."""
    encoded = tf.numpy_function(store.read, [row], tf.string, stateful=False)
    return pictures.decode(tf.ensure_shape(encoded, []), pictures.MAX_FACE_SIDE)


def _self_blend(crop: tf.Tensor, landmarks: tf.Tensor, seed: tf.Tensor) -> list[tf.Tensor]:
    """A real and a fake of one real crop, uint8 [height, width, 3] each."""
    pair = tf.numpy_function(self_blend, [crop, landmarks, seed], [tf.uint8] * 2, stateful=False)
    return [tf.ensure_shape(picture, crop.shape) for picture in pair]


def _rescale(landmarks: tf.Tensor, crop: tf.Tensor, image_size: int) -> tf.Tensor:
    """From pixels of a square crop to pixels of the same, resized."""
    scale = image_size / tf.cast(tf.shape(crop)[0], tf.float32)
    return (landmarks + 0.5) * tf.cast(scale, tf.float32) - 0.5
