"""tf.data from a crop store to batches."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models import pictures
from models.augmentation import augment_pair
from models.config import ModelConfig
from models.crop_store import CropStore
from models.sampling import PairSampler

_WORKERS = 2  # decoding keeps ahead of any network with these


def training_batches(
    store: CropStore, crops: npt.NDArray[np.int64], config: ModelConfig
) -> tf.data.Dataset:
    """Endless batches of augmented pairs, the same at every run with the same seed.

    Args:
        store: the training split.
        crops: int64 [k], rows of its index to draw from.
        config: batch size, image size, augmentation and seed.

    Returns:
        Batches of faces, float32 [2 * batch_size, size, size, 3], 0 to 255, and labels,
        float32 [2 * batch_size], real and fake by turns.

    Raises:
        UsageError: a class is missing.
    """
    sampler = PairSampler(store.index, crops, config.seed)
    size = config.image_size

    def numbered_pairs() -> Iterator[tuple[int, tuple[int, int]]]:
        yield from enumerate(sampler)

    def load_pair(number: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        faces = tf.stack([_load(store, row, size) for row in tf.unstack(rows)])
        seed = tf.stack([tf.constant(config.seed, tf.int64), number])
        return augment_pair(faces, seed, config.augmentation), tf.constant([0.0, 1.0])

    def flatten(faces: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.reshape(faces, [-1, size, size, 3]), tf.reshape(labels, [-1])

    pairs = tf.data.Dataset.from_generator(
        numbered_pairs,
        output_signature=(tf.TensorSpec([], tf.int64), tf.TensorSpec([2], tf.int64)),
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
        .map(lambda row: _load(store, row, image_size), num_parallel_calls=_WORKERS)
        .batch(batch_size)
        .prefetch(2)
    )


def _load(store: CropStore, row: tf.Tensor, image_size: int) -> tf.Tensor:
    encoded = tf.numpy_function(store.read, [row], tf.string, stateful=False)
    encoded = tf.ensure_shape(encoded, [])
    return pictures.resize(pictures.decode(encoded, pictures.MAX_FACE_SIDE), image_size)
