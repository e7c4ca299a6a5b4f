import dataclasses
import types

import numpy as np
import pytest
import tensorflow as tf

from models.config import AugmentationConfig, ModelConfig
from models.input_pipeline import scoring_batches, training_batches

PLAIN = AugmentationConfig(flip=False, shift=0, brightness=0, contrast=0, jpeg_min_quality=100)


@pytest.fixture(scope="module")
def store(videos, make_store):
    return make_store(videos)


def config(tiny_backbone, **changes):
    return ModelConfig(
        model=tiny_backbone, image_size=32, weights=None, **{"batch_size": 6, **changes}
    )


def draw(store, config, count=4):
    crops = np.arange(len(store.index.offset))
    batches = training_batches(store, crops, config).take(count)
    return [(batch.pictures.numpy()[:, 0], batch.labels.numpy()) for batch in batches]


def test_batches_hold_reals_and_fakes_by_turns(store, tiny_backbone):
    for faces, labels in draw(store, config(tiny_backbone)):
        assert faces.shape == (6, 32, 32, 3)
        np.testing.assert_array_equal(labels, [0, 1, 0, 1, 0, 1])
        redness = (faces[..., 0] - faces[..., 2]).mean(axis=(1, 2))
        # What the fixture's fakes differ by.
        assert np.all(redness[1::2] > redness[::2] + 30)
        assert faces.min() >= 0
        assert faces.max() <= 255


def test_the_seed_decides_every_pixel(store, tiny_backbone):
    first, second = (draw(store, config(tiny_backbone)) for _ in range(2))
    for (faces, _), (again, _) in zip(first, second, strict=True):
        np.testing.assert_array_equal(faces, again)
    other = draw(store, config(tiny_backbone, seed=1))
    assert any(np.any(a != b) for (a, _), (b, _) in zip(first, other, strict=True))


def test_without_augmentation_training_and_scoring_see_the_same(store, tiny_backbone):
    crops = np.arange(len(store.index.offset))
    scored = np.concatenate([b.numpy() for b in scoring_batches(store, crops, 32, 5)])
    for faces, _ in draw(store, config(tiny_backbone, augmentation=PLAIN)):
        for face in faces:
            # Clipping to 255 may take off what resizing rounds up.
            assert np.abs(scored - face).max(axis=(1, 2, 3)).min() < 1e-3


def test_scoring_keeps_order_and_pixels(store):
    crops = np.array([5, 0, 31, 2])
    side = tf.io.decode_jpeg(store.read(0)).shape[0]  # then nothing is resized
    batches = [batch.numpy() for batch in scoring_batches(store, crops, side, 3)]
    assert [len(batch) for batch in batches] == [3, 1]
    for row, face in zip(crops, np.concatenate(batches), strict=True):
        pixels = tf.io.decode_jpeg(store.read(row), dct_method="INTEGER_ACCURATE")
        np.testing.assert_array_equal(face, pixels)


def test_batches_passed_over_are_those_of_the_first_steps(store, tiny_backbone):
    whole = draw(store, config(tiny_backbone), 5)
    crops = np.arange(len(store.index.offset))
    rest = training_batches(store, crops, config(tiny_backbone), first_step=3).take(2)
    for (faces, _), batch in zip(whole[3:], rest, strict=True):
        np.testing.assert_array_equal(batch.pictures[:, 0], faces)


def test_sequences_come_padded_with_what_is_used_of_them(store, tiny_backbone):
    sequences = config(
        tiny_backbone, head="lstm", sequence_length=6, augmentation=PLAIN, batch_size=4
    )
    crops = np.arange(len(store.index.offset))
    (batch,) = training_batches(store, crops, sequences).take(1)
    assert batch.pictures.shape == (4, 6, 32, 32, 3)
    # The fixture's tracks have four faces.
    np.testing.assert_array_equal(batch.used, [[True] * 4 + [False] * 2] * 4)
    np.testing.assert_array_equal(batch.pictures[:, 4:], 0.0)
    scored = np.concatenate([b.numpy() for b in scoring_batches(store, crops, 32, 5)])
    for sample, video in zip(batch.pictures.numpy(), batch.videos.numpy(), strict=True):
        track = scored[store.index.video == video]
        np.testing.assert_allclose(sample[:4], track, atol=1e-3)
    np.testing.assert_array_equal(batch.labels, store.index.label[batch.videos.numpy()])


def test_only_natural_sampling_weights_the_classes(store, tiny_backbone):
    crops = np.arange(len(store.index.offset))
    weight = np.arange(1.0, 9.0, dtype=np.float32)
    weighted = types.SimpleNamespace(
        index=dataclasses.replace(store.index, weight=weight), read=store.read
    )
    for sampling in ("paired", "balanced", "natural"):
        chosen = config(tiny_backbone, sampling=sampling, batch_size=8)
        (batch,) = training_batches(weighted, crops, chosen).take(1)
        videos = batch.videos.numpy()
        expected = weight[videos] if sampling == "natural" else np.ones(8)
        np.testing.assert_array_equal(batch.weights, expected)
        if sampling == "natural":
            assert sorted(videos) == list(range(8))
