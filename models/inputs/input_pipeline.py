"""tf.data pipelines from a crop source to batches."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from data import contract
from models.config import ModelConfig
from models.inputs import image_ops, sampling
from models.inputs.augmentation import augment
from models.inputs.crop_source import CropSource
from models.inputs.self_blending import self_blend

_WORKERS = 2  # enough to decode faster than any network learns


class Batch(NamedTuple):
    """What a training step learns from: n samples of f crops, f = 1 for the head `frame`.

    Attributes:
        images: float32 [n, f, size, size, 3], RGB, 0 to 255; 0 where padded.
        used: bool [n, f], False where padded.
        labels: float32 [n], 1 for fake.
        weights: float32 [n], of each sample's loss; all 1 unless sampling is natural.
        videos: int32 [n], rows of the source's `video_ids`.
    """

    images: tf.Tensor
    used: tf.Tensor
    labels: tf.Tensor
    weights: tf.Tensor
    videos: tf.Tensor


class Group(NamedTuple):
    """Samples that are augmented alike, before augmentation: g samples of m crops in all.

    Attributes:
        number: int64 scalar, of the group in the training, from 0.
        videos: int32 [g], rows of the source's `video_ids`.
        used: bool [g, f], False where padded.
        images: float32 [m, size, size, 3], RGB, 0 to 255, sample by sample.
        landmarks: float32 [m, 5, 2], x and y in pixels of these images.
    """

    number: tf.Tensor
    videos: tf.Tensor
    used: tf.Tensor
    images: tf.Tensor
    landmarks: tf.Tensor


def training_batches(
    source: CropSource, crops: npt.NDArray[np.int64], config: ModelConfig, *, first_step: int = 0
) -> tf.data.Dataset:
    """Endless batches of augmented samples, the same at every run with the same seed.

    Args:
        source: the training split.
        crops: int64 [k], rows of its index to draw from.
        config: head, fakes, sampling, batch size, image size, augmentation and seed are used.
        first_step: batches to skip, which an interrupted training has already seen.

    Returns:
        Dataset of `Batch`, n = `batch_size`; reals and fakes alternate unless sampling is natural.

    Raises:
        UsageError: a class is missing; with `fakes: self_blended`, no real crop has its landmarks.
    """
    size, batch_size = config.image_size, config.batch_size
    per_group = _samples_per_group(config)
    per_batch = batch_size // per_group
    groups = unaugmented_groups(source, crops, config, first=first_step * per_batch)
    length = groups.element_spec.used.shape[1]
    is_blended, is_natural = config.fakes == "self_blended", config.sampling == "natural"
    labels = tf.constant(source.index.label.astype(np.float32))
    weights = tf.constant(source.index.weight if is_natural else np.ones_like(source.index.weight))

    def augmented(group: Group) -> tuple[tf.Tensor, ...]:
        # One draw for the whole group: only the manipulation may tell a real from its fake, and
        # the frames of a track must fit together.
        seed = group_seed(config, group.number)
        faces, _ = augment(group.images, group.landmarks, seed, config.augmentation)
        shape = [per_group, length, size, size, 3]
        samples = tf.scatter_nd(tf.where(group.used), faces, tf.constant(shape, tf.int64))
        label = tf.constant([0.0, 1.0]) if is_blended else tf.gather(labels, group.videos)
        return (
            tf.ensure_shape(samples, shape),
            group.used,
            label,
            tf.gather(weights, group.videos),
            group.videos,
        )

    def flatten(*parts: tf.Tensor) -> Batch:
        return Batch(*(tf.reshape(part, [batch_size, *part.shape[2:]]) for part in parts))

    return (
        groups.map(augmented, num_parallel_calls=_WORKERS, deterministic=True)
        .batch(per_batch, drop_remainder=True)
        .map(flatten)
        .prefetch(2)
    )


def unaugmented_groups(
    source: CropSource, crops: npt.NDArray[np.int64], config: ModelConfig, *, first: int = 0
) -> tf.data.Dataset:
    """Endless groups of samples, in the order in which training batches hold them.

    Args:
        source: the training split.
        crops: int64 [k], rows of its index to draw from.
        config: as for `training_batches`.
        first: number of the first group.

    Returns:
        Dataset of `Group`.

    Raises:
        UsageError: see `training_batches`.
    """
    sampler = sampling.make_sampler(source.index, crops, config)
    samples, length = next(iter(sampler)).shape
    landmarks = tf.constant(source.index.landmarks)

    def numbered() -> Iterator[tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int32]]]:
        for number, rows in enumerate(itertools.islice(sampler, first, None), start=first):
            yield number, rows, source.index.video[rows[:, 0]]

    return tf.data.Dataset.from_generator(
        numbered,
        output_signature=(
            tf.TensorSpec([], tf.int64),
            tf.TensorSpec([samples, length], tf.int64),
            tf.TensorSpec([samples], tf.int32),
        ),
    ).map(
        lambda *group: _load_group(source, landmarks, config, *group),
        num_parallel_calls=_WORKERS,
        deterministic=True,
    )


def group_seed(config: ModelConfig, number: tf.Tensor) -> tf.Tensor:
    """The seed, int64 [2], of all random draws for the group of a number."""
    return tf.stack([tf.constant(config.seed, tf.int64), number])


def scoring_batches(
    source: CropSource, crops: npt.NDArray[np.int64], image_size: int, batch_size: int
) -> tf.data.Dataset:
    """Batches of crops in order, resized and otherwise unchanged.

    Args:
        source: a split.
        crops: int64 [k], rows of its index.
        image_size: pixels a side.
        batch_size: crops in a batch; the last one may hold fewer.

    Returns:
        Batches of faces, float32 [b, image_size, image_size, 3], 0 to 255.
    """
    return (
        tf.data.Dataset.from_tensor_slices(crops)
        .map(
            lambda row: image_ops.resize(_read_crop(source, row), image_size),
            num_parallel_calls=_WORKERS,
        )
        .batch(batch_size)
        .prefetch(2)
    )


def _load_group(
    source: CropSource,
    landmarks: tf.Tensor,
    config: ModelConfig,
    number: tf.Tensor,
    rows: tf.Tensor,
    videos: tf.Tensor,
) -> Group:
    """Reads and resizes a group's crops; of self-blended fakes also blends them.

    Args:
        source: the training split.
        landmarks: float32, of all crops of its index.
        config: fakes, image size and seed are used.
        number: int64 scalar, of the group.
        rows: int64 [g, f], rows of the index or `sampling.PADDING`.
        videos: int32 [g].
    """
    used = rows != sampling.PADDING
    is_blended = config.fakes == "self_blended"
    seed = group_seed(config, number)

    def load_crop(row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        crop, points = _read_crop(source, row), tf.gather(landmarks, row)
        versions = _self_blend(crop, points, seed) if is_blended else [crop]
        resized = [image_ops.resize(version, config.image_size) for version in versions]
        return tf.stack(resized), _rescale(points, crop, config.image_size)

    versions = 2 if is_blended else 1
    shape = [config.image_size, config.image_size, 3]
    images, points = tf.map_fn(
        load_crop,
        tf.boolean_mask(rows, used),
        fn_output_signature=(
            tf.TensorSpec([versions, *shape], tf.float32),
            tf.TensorSpec([contract.LANDMARK_COUNT, 2], tf.float32),
        ),
    )
    return Group(
        number,
        tf.tile(videos, [versions]),
        tf.tile(used, [versions, 1]),
        # First all crops as they are, then, where blended, all fakes.
        tf.reshape(tf.transpose(images, [1, 0, 2, 3, 4]), [-1, *shape]),
        tf.tile(points, [versions, 1, 1]),
    )


def _samples_per_group(config: ModelConfig) -> int:
    return 2 if config.fakes == "self_blended" or config.sampling == "paired" else 1


def _read_crop(source: CropSource, row: tf.Tensor) -> tf.Tensor:
    """A crop at its own size, uint8 [height, width, 3]."""
    encoded = tf.numpy_function(source.read, [row], tf.string, stateful=False)
    return image_ops.decode(tf.ensure_shape(encoded, []), image_ops.MAX_FACE_SIDE)


def _self_blend(crop: tf.Tensor, landmarks: tf.Tensor, seed: tf.Tensor) -> list[tf.Tensor]:
    """A real and a fake of one real crop, uint8 [height, width, 3] each."""
    pair = tf.numpy_function(self_blend, [crop, landmarks, seed], [tf.uint8] * 2, stateful=False)
    return [tf.ensure_shape(image, crop.shape) for image in pair]


def _rescale(landmarks: tf.Tensor, crop: tf.Tensor, image_size: int) -> tf.Tensor:
    """Scales landmarks from pixels of a square crop to pixels of the resized crop."""
    scale = image_size / tf.cast(tf.shape(crop)[0], tf.float32)
    return (landmarks + 0.5) * tf.cast(scale, tf.float32) - 0.5
