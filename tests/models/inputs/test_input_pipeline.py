import dataclasses
import types

import numpy as np
import pytest
import tensorflow as tf
from skimage import data as images

from data.faces import cropping
from models.config import AugmentationConfig, ModelConfig
from models.inputs.input_pipeline import scoring_batches, training_batches
from tests.tiny_dataset import make_video

pytestmark = pytest.mark.slow

OFF = {
    name: 0.0
    for name in AugmentationConfig.model_fields
    if name == "flip" or name.endswith("_probability")
}
PLAIN = AugmentationConfig(**OFF)


@pytest.fixture(scope="module")
def source(videos, make_source):
    return make_source(videos)


def config(tiny_backbone, **changes):
    defaults = {"model": tiny_backbone, "image_size": 32, "weights": None, "batch_size": 6}
    return ModelConfig(**{**defaults, **changes})


def draw(source, config, count=4):
    crops = np.arange(len(source.index.offset))
    batches = training_batches(source, crops, config).take(count)
    return [(batch.images.numpy()[:, 0], batch.labels.numpy()) for batch in batches]


def test_batches_alternate_reals_and_fakes(source, tiny_backbone):
    for faces, labels in draw(source, config(tiny_backbone)):
        assert faces.shape == (6, 32, 32, 3)
        np.testing.assert_array_equal(labels, [0, 1, 0, 1, 0, 1])
        redness = (faces[..., 0] - faces[..., 2]).mean(axis=(1, 2))
        # The difference of the fixture's fakes.
        assert np.all(redness[1::2] > redness[::2] + 30)
        assert faces.min() >= 0
        assert faces.max() <= 255


def test_the_seed_decides_every_pixel(source, tiny_backbone):
    first, second = (draw(source, config(tiny_backbone)) for _ in range(2))
    for (faces, _), (again, _) in zip(first, second, strict=True):
        np.testing.assert_array_equal(faces, again)
    other = draw(source, config(tiny_backbone, seed=1))
    assert any(np.any(a != b) for (a, _), (b, _) in zip(first, other, strict=True))


def test_without_augmentation_training_and_scoring_see_the_same(source, tiny_backbone):
    crops = np.arange(len(source.index.offset))
    scored = np.concatenate([b.numpy() for b in scoring_batches(source, crops, 32, 5)])
    for faces, _ in draw(source, config(tiny_backbone, augmentation=PLAIN)):
        for face in faces:
            # Resizing may exceed 255 a little, which is clipped.
            assert np.abs(scored - face).max(axis=(1, 2, 3)).min() < 1e-3


def test_the_cutout_is_where_the_landmarks_are(videos, make_source, tiny_backbone):
    # Crops of 75 pixels, from -8, -8 in the frame; all points in one place.
    def at(x, y, video):
        face = dataclasses.replace(
            video.faces[0], box=(0.0, 0.0, 58.0, 58.0), landmarks=(x - 8.0, y - 8.0) * 5
        )
        return dataclasses.replace(video, faces=(face,))

    source = make_source([at(20, 45, videos[0]), at(60, 30, videos[1])])
    assert tf.io.decode_jpeg(source.read(0)).shape == (75, 75, 3)
    augmentation = AugmentationConfig(**{**OFF, "cutout_probability": 1.0})
    for faces, _ in draw(source, config(tiny_backbone, augmentation=augmentation)):
        for face, (x, y) in zip(faces, 3 * [(20, 45), (60, 30)], strict=True):
            rows, columns = np.nonzero((face == 0).all(-1))
            assert len(rows) > 3
            centre = np.array([columns.mean(), rows.mean()])
            np.testing.assert_allclose(centre, (np.array([x, y]) + 0.5) * 32 / 75 - 0.5, atol=0.6)


@pytest.fixture(scope="module")
def face_videos():
    """A real video of the portrait with its landmarks, and a fake one that is pure blue."""
    crop = images.astronaut()[32:202, 145:315]
    points = np.array([(57, 76), (97, 73), (82, 98), (64, 122), (98, 119)], float)
    box = (0.0, 0.0, 131.0, 131.0)  # of which the square has 170 pixels, from -20, -20
    landmarks = tuple((points + cropping.square_around(box)[:2]).ravel())
    real, fake = make_video(0, 0, "a", frames=3), make_video(1, 1, "a", frames=3)
    blue = np.zeros_like(crop) + np.array([0, 0, 255], np.uint8)

    def showing(video, image):
        return dataclasses.replace(
            video,
            faces=tuple(
                dataclasses.replace(
                    face, image=cropping.encode_jpeg(image), box=box, landmarks=landmarks
                )
                for face in video.faces
            ),
        )

    return [showing(real, crop), showing(fake, blue)]


@pytest.fixture(scope="module")
def face_source(face_videos, make_source):
    return make_source(face_videos)


def test_self_blending_needs_no_fakes(face_videos, make_source, tiny_backbone):
    blending = config(tiny_backbone, image_size=64, fakes="self_blended", batch_size=4)
    for faces, labels in draw(make_source(face_videos[:1]), blending, 2):
        assert faces.shape == (4, 64, 64, 3)
        np.testing.assert_array_equal(labels, [0, 1, 0, 1])


def test_self_blended_pairs_are_made_of_reals_only(face_source, tiny_backbone):
    blending = config(
        tiny_backbone, image_size=64, fakes="self_blended", augmentation=PLAIN, batch_size=8
    )
    batches = draw(face_source, blending)
    for faces, labels in batches:
        assert faces.shape == (8, 64, 64, 3)
        np.testing.assert_array_equal(labels, [0, 1] * 4)
        assert (faces[..., 0].mean((1, 2)) > 30).all()  # the dataset's fakes are blue
        for real, fake in zip(faces[::2], faces[1::2], strict=True):
            change = np.abs(fake - real).max(-1)
            assert change[24:40, 24:40].max() > 3
            assert max(change[:3].max(), change[-3:].max(), change[:, -3:].max()) < 3
    again = draw(face_source, blending)
    for (faces, _), (repeated, _) in zip(batches, again, strict=True):
        np.testing.assert_array_equal(faces, repeated)
    assert len({faces.tobytes() for faces, _ in batches}) == len(batches)


def test_scoring_keeps_order_and_pixels(source):
    crops = np.array([5, 0, 31, 2])
    side = tf.io.decode_jpeg(source.read(0)).shape[0]  # then nothing is resized
    batches = [batch.numpy() for batch in scoring_batches(source, crops, side, 3)]
    assert [len(batch) for batch in batches] == [3, 1]
    for row, face in zip(crops, np.concatenate(batches), strict=True):
        pixels = tf.io.decode_jpeg(source.read(row), dct_method="INTEGER_ACCURATE")
        np.testing.assert_array_equal(face, pixels)


def test_skipped_batches_are_those_of_the_first_steps(source, tiny_backbone):
    whole = draw(source, config(tiny_backbone), 5)
    crops = np.arange(len(source.index.offset))
    rest = training_batches(source, crops, config(tiny_backbone), first_step=3).take(2)
    for (faces, _), batch in zip(whole[3:], rest, strict=True):
        np.testing.assert_array_equal(batch.images[:, 0], faces)


def test_sequences_are_padded_and_say_where(source, tiny_backbone):
    sequences = config(
        tiny_backbone, head="lstm", sequence_length=6, augmentation=PLAIN, batch_size=4
    )
    crops = np.arange(len(source.index.offset))
    (batch,) = training_batches(source, crops, sequences).take(1)
    assert batch.images.shape == (4, 6, 32, 32, 3)
    # The fixture's tracks have four faces.
    np.testing.assert_array_equal(batch.used, [[True] * 4 + [False] * 2] * 4)
    np.testing.assert_array_equal(batch.images[:, 4:], 0.0)
    scored = np.concatenate([b.numpy() for b in scoring_batches(source, crops, 32, 5)])
    for sample, video in zip(batch.images.numpy(), batch.videos.numpy(), strict=True):
        track = scored[source.index.video == video]
        np.testing.assert_allclose(sample[:4], track, atol=1e-3)
    np.testing.assert_array_equal(batch.labels, source.index.label[batch.videos.numpy()])


def test_only_natural_sampling_weights_the_classes(source, tiny_backbone):
    crops = np.arange(len(source.index.offset))
    weight = np.arange(1.0, 9.0, dtype=np.float32)
    weighted = types.SimpleNamespace(
        index=dataclasses.replace(source.index, weight=weight), read=source.read
    )
    for sampling in ("paired", "balanced", "natural"):
        chosen = config(tiny_backbone, sampling=sampling, batch_size=8)
        (batch,) = training_batches(weighted, crops, chosen).take(1)
        videos = batch.videos.numpy()
        expected = weight[videos] if sampling == "natural" else np.ones(8)
        np.testing.assert_array_equal(batch.weights, expected)
        if sampling == "natural":
            assert sorted(videos) == list(range(8))


def test_crops_whose_landmarks_lie_beyond_them_are_not_blended(
    face_videos, make_source, tiny_backbone
):
    # Within 384 pixels, the largest side of a crop, but beyond this crop's 170.
    first, *others = face_videos[0].faces
    beyond = tuple(value + 150.0 for value in first.landmarks)
    green = np.zeros((170, 170, 3), np.uint8) + np.array([0, 255, 0], np.uint8)
    mistaken = dataclasses.replace(first, landmarks=beyond, image=cropping.encode_jpeg(green))
    source = make_source([dataclasses.replace(face_videos[0], faces=(mistaken, *others))])
    blending = config(tiny_backbone, fakes="self_blended", augmentation=PLAIN, batch_size=8)
    for faces, _ in draw(source, blending):
        assert (faces[..., 0].mean((1, 2)) > 30).all()


def test_frames_of_a_self_blended_sequence_are_blended_alike(face_source, tiny_backbone):
    blending = config(
        tiny_backbone,
        head="lstm",
        sequence_length=4,
        image_size=64,
        fakes="self_blended",
        augmentation=PLAIN,
        batch_size=2,
    )
    crops = np.arange(len(face_source.index.offset))
    (batch,) = training_batches(face_source, crops, blending).take(1)
    np.testing.assert_array_equal(batch.used, [[True] * 3 + [False]] * 2)
    np.testing.assert_array_equal(batch.labels, [0, 1])
    # The fixture's frames show the same image.
    for sample in batch.images.numpy():
        for frame in sample[1:3]:
            np.testing.assert_array_equal(frame, sample[0])
    assert np.abs(batch.images[0, 0] - batch.images[1, 0]).max() > 3
