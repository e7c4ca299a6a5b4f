"""tf.data from a crop store to batches."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models import pictures, sampling
from models.augmentation import augment
from models.config import ModelConfig
from models.crop_store import CropStore

_WORKERS = 2  # decoding keeps ahead of any network with these


class Batch(NamedTuple):
    """What a training step learns from: n samples of f crops, f of 1 for a head of frames.

    Attributes:
        pictures: float32 [n, f, size, size, 3], RGB, 0 to 255; 0 where padded.
        used: bool [n, f], what is no padding.
        labels: float32 [n], 1 for fake.
        weights: float32 [n], of each sample's loss; 1 but for natural sampling.
        videos: int32 [n], rows of the store's `video_ids`.
    """

    pictures: tf.Tensor
    used: tf.Tensor
    labels: tf.Tensor
    weights: tf.Tensor
    videos: tf.Tensor


def training_batches(
    store: CropStore, crops: npt.NDArray[np.int64], config: ModelConfig, *, first_step: int = 0
) -> tf.data.Dataset:
    """Endless batches of augmented samples, the same at every run with the same seed.

    Args:
        store: the training split.
        crops: int64 [k], rows of its index to draw from.
        config: head, sampling, batch size, image size, augmentation and seed.
        first_step: batches passed over: those that an interrupted training has seen.

    Returns:
        Dataset of `Batch`, n = `batch_size`; with paired sampling real and fake by turns.

    Raises:
        UsageError: a class is missing.
    """
    sampler = sampling.create(store.index, crops, config)
    group, length = next(iter(sampler)).shape
    per_batch = config.batch_size // group
    size = config.image_size

    def numbered_samples() -> Iterator[tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int32]]]:
        first = first_step * per_batch
        for number, rows in enumerate(itertools.islice(sampler, first, None), start=first):
            yield number, rows, store.index.video[rows[:, 0]]

    def load(number: tf.Tensor, rows: tf.Tensor, videos: tf.Tensor) -> tuple[tf.Tensor, ...]:
        used = rows != sampling.PADDING
        loaded = tf.map_fn(
            lambda row: _load(store, row, size),
            tf.boolean_mask(rows, used),
            fn_output_signature=tf.TensorSpec([size, size, 3], tf.float32),
        )
        seed = tf.stack([tf.constant(config.seed, tf.int64), number])
        # One draw for all: a pair must differ by the manipulation, a track must hold together.
        loaded = augment(loaded, seed, config.augmentation)
        shape = [group, length, size, size, 3]
        samples = tf.scatter_nd(tf.where(used), loaded, tf.constant(shape, tf.int64))
        samples = tf.ensure_shape(samples, shape)
        return samples, used, tf.gather(labels, videos), tf.gather(weights, videos), videos

    labels = tf.constant(store.index.label.astype(np.float32))
    is_natural = config.sampling == "natural"
    weights = tf.constant(store.index.weight if is_natural else np.ones_like(store.index.weight))
    flat = [config.batch_size]
    return (
        tf.data.Dataset.from_generator(
            numbered_samples,
            output_signature=(
                tf.TensorSpec([], tf.int64),
                tf.TensorSpec([group, length], tf.int64),
                tf.TensorSpec([group], tf.int32),
            ),
        )
        .map(load, num_parallel_calls=_WORKERS, deterministic=True)
        .batch(per_batch, drop_remainder=True)
        .map(
            lambda samples, used, labels, weights, videos: Batch(
                tf.reshape(samples, [*flat, length, size, size, 3]),
                tf.reshape(used, [*flat, length]),
                tf.reshape(labels, flat),
                tf.reshape(weights, flat),
                tf.reshape(videos, flat),
            )
        )
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
