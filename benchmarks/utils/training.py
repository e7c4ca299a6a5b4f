"""What benchmarks of training share: the trainer's own step and batches, and a small dataset."""

import hashlib
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image
from skimage import data as pictures

from data import contract, example_encoding
from data.faces import cropping
from models.config import ModelConfig
from models.inputs import CropSource, sample_tracks, training_batches
from models.networks import Classifier, classifier
from models.training import build_optimizer, build_train_step, choose_precision

CROPS = "crops"
"""Name of the crop source's file in its folder."""

_PAIRS, _FRAMES = 8, 4


def make_config(name: str, image_size: int, **values: Any) -> ModelConfig:
    """A config that trains from scratch; all else by default."""
    return ModelConfig(model=name, image_size=image_size, weights=None, **values)


def make_step(config: ModelConfig) -> tuple[Classifier, Any]:
    """A fresh network and the trainer's step, which takes a batch and returns its loss."""
    precision = choose_precision(config.precision)
    network = classifier.build(config, precision.policy, weights=None)
    optimizer = build_optimizer(config, precision, network.trainable_variables)
    return network, build_train_step(network, optimizer, tf.distribute.get_strategy())


def batches(crop_source: CropSource, config: ModelConfig) -> tf.data.Dataset:
    """The batches that the trainer draws from a crop source."""
    crops = sample_tracks(crop_source.index, config.frames_per_video)
    return training_batches(crop_source, crops, config)


def make_source(folder: pathlib.Path) -> CropSource:
    """Crops of one portrait, in pairs of a real and a fake."""
    return write_source([make_video(number) for number in range(2 * _PAIRS)], folder)


def write_source(videos: Sequence[contract.VideoExample], folder: pathlib.Path) -> CropSource:
    """Writes Examples as an extraction does, and reads them as training does.

    Args:
        videos: in the order that the source has them in.
        folder: for the files; exists.
    """
    path = folder / "train-00000-of-00001"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for video in videos:
            writer.write(example_encoding.encode(video))

    return CropSource.write([str(path)], str(folder / CROPS), compression="")


def make_video(number: int) -> contract.VideoExample:
    """A video whose crops have 220 to 300 pixels a side; odd ones are fakes of those before."""
    side = 220 + 80 * number // (2 * _PAIRS - 1)
    portrait = Image.fromarray(np.roll(pictures.astronaut()[0:224, 112:336], number, axis=1))
    crop = np.asarray(portrait.resize((side, side)))
    # The box about which the square is cropped that begins at the frame's corner.
    reach = 0.5 / (1 + cropping.MARGIN)
    low, high = side * (0.5 - reach), side * (0.5 + reach)
    points = np.array([[0.4, 0.36], [0.58, 0.36], [0.5, 0.45], [0.43, 0.54], [0.56, 0.54]]) * side
    faces = [
        contract.FaceCrop(
            image=cropping.encode_jpeg(np.roll(crop, frame, axis=0)),
            track=0,
            time_s=float(frame),
            box=(low, low, high, high),
            landmarks=tuple(points.ravel().tolist()),
            score=1.0,
            sharpness=100.0,
            raw_sharpness=100.0,
            usable=True,
        )
        for frame in range(_FRAMES)
    ]
    return make_example(
        str(number), contract.Label(number % 2), f"group{number // 2}", faces, 1e6, side
    )


def make_example(
    name: str,
    label: contract.Label,
    group: str,
    faces: Sequence[contract.FaceCrop],
    bit_rate: float,
    side: int = 1,
) -> contract.VideoExample:
    """An Example of a square video with a frame a second, one for each face.

    Args:
        name: unique among the benchmark's videos.
        label: real or fake.
        group: source group; a real shares it with its fakes.
        faces: all of one track.
        bit_rate: bits a second.
        side: of a frame, pixels.
    """
    return contract.VideoExample(
        sha256=hashlib.sha256(name.encode()).hexdigest(),
        measurements=contract.Measurements(
            width=side,
            height=side,
            frames_decoded=len(faces),
            fps=1.0,
            duration_s=float(len(faces)),
            bit_rate=bit_rate,
        ),
        faces=tuple(faces),
        annotation=contract.Annotation(
            video_id=f"benchmark/{name}",
            label=label,
            dataset="benchmark",
            method="Fake" if label else contract.REAL_METHOD,
            compression="none",
            slice_methods=("Fake",),
            source_group=group,
        ),
    )
