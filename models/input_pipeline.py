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
    size = config.image_size

    def augmented_pair(
        number: tf.Tensor, rows: tf.Tensor, landmarks: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        faces, landmarks = _load_pair(store, config, number, rows, landmarks)
        faces, _ = augment(faces, landmarks, pair_seed(config, number), config.augmentation)
        return faces, tf.constant([0.0, 1.0])

    def flatten(faces: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.reshape(faces, [-1, size, size, 3]), tf.reshape(labels, [-1])

    return (
        _numbered_rows(store, crops, config)
        .map(augmented_pair, num_parallel_calls=_WORKERS, deterministic=True)
        .batch(config.batch_size, drop_remainder=True)
        .map(flatten)
        .prefetch(2)
    )


def unaugmented_pairs(
    store: CropStore, crops: npt.NDArray[np.int64], config: ModelConfig
) -> tf.data.Dataset:
    """The pairs of an epoch's training batches, in their order, before augmentation.

    Args:
        store: as for `training_batches`.
        crops: see there.
        config: see there.

    Returns:
        Pairs of: number of the pair, int64, from 0; rows of the index that it is made of,
        int64 [2], or [1] for a self-blended pair; faces, float32 [2, size, size, 3], 0 to 255,
        real and fake; landmarks, float32 [2, 5, 2], in pixels of these.

    Raises:
        UsageError: see there.
    """

    def pair(
        number: tf.Tensor, rows: tf.Tensor, landmarks: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        return number, rows, *_load_pair(store, config, number, rows, landmarks)

    epoch = len(_sampler(store, crops, config))
    return _numbered_rows(store, crops, config).take(epoch).map(pair)


def pair_seed(config: ModelConfig, number: tf.Tensor) -> tf.Tensor:
    """The seed, int64 [2], of everything that is drawn for a pair, by its number."""
    return tf.stack([tf.constant(config.seed, tf.int64), number])


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


def _sampler(
    store: CropStore, crops: npt.NDArray[np.int64], config: ModelConfig
) -> PairSampler | RealSampler:
    if config.fakes == "self_blended":
        return RealSampler(store.index, crops, config.seed)
    return PairSampler(store.index, crops, config.seed)


def _numbered_rows(
    store: CropStore, crops: npt.NDArray[np.int64], config: ModelConfig
) -> tf.data.Dataset:
    """Endless pairs' numbers, rows of the index, [r], and these crops' landmarks, [r, 5, 2]."""
    sampler = _sampler(store, crops, config)
    count = 1 if config.fakes == "self_blended" else 2

    def numbered() -> Iterator[tuple[int, list[int], npt.NDArray[np.float32]]]:
        for number, drawn in enumerate(sampler):
            rows = list(drawn)
            yield number, rows, store.index.landmarks[rows]

    return tf.data.Dataset.from_generator(
        numbered,
        output_signature=(
            tf.TensorSpec([], tf.int64),
            tf.TensorSpec([count], tf.int64),
            tf.TensorSpec([count, contract.LANDMARK_COUNT, 2], tf.float32),
        ),
    )


def _load_pair(
    store: CropStore,
    config: ModelConfig,
    number: tf.Tensor,
    rows: tf.Tensor,
    landmarks: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """A pair's faces, [2, size, size, 3], and landmarks, [2, 5, 2], before augmentation."""
    size = config.image_size
    pair = [_read(store, row) for row in tf.unstack(rows)]
    if config.fakes == "self_blended":
        pair = _self_blend(pair[0], landmarks[0], pair_seed(config, number))
        landmarks = tf.repeat(landmarks, 2, axis=0)
    points = [
        _rescale(points, crop, size)
        for points, crop in zip(tf.unstack(landmarks), pair, strict=True)
    ]
    return tf.stack([pictures.resize(crop, size) for crop in pair]), tf.stack(points)


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
