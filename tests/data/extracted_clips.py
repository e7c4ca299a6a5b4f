"""What the clips of the fixture `dataset` are extracted with, and how results are compared."""

import dataclasses
import pathlib

import tensorflow as tf

from data import example_encoding
from data.extraction import ExtractionOptions, output_layout
from data.faces import FaceOptions
from data.ledger import Status

OPTIONS = ExtractionOptions(faces=FaceOptions(frames_per_video=4))
EXPECTED = {
    "good": Status.OK,
    "rotated": Status.OK,
    "truncated": Status.TRUNCATED,
    "damaged": Status.DAMAGED,
    "no_face": Status.NO_FACE,
    "audio_only": Status.UNREADABLE,
    "empty": Status.UNREADABLE,
    "text": Status.UNREADABLE,
}


def read_examples(output, split):
    files = sorted(str(path) for path in output.glob(f"{split}-*-of-*"))
    records = tf.data.TFRecordDataset(files).as_numpy_iterator()
    return {
        example.annotation.video_id: example for example in map(example_encoding.parse, records)
    }


def assert_same(output, expected):
    """Every file of two outputs is the same, but for what the ledger says of time."""
    assert {path.name for path in output.iterdir()} == {path.name for path in expected.iterdir()}
    for path in expected.glob("*-*-of-*"):
        assert (output / path.name).read_bytes() == path.read_bytes(), path.name
    rows, expected_rows = (
        [
            dataclasses.replace(row, path=pathlib.Path(row.path).name, seconds=0.0)
            for row in output_layout.read_ledger(str(folder))
        ]
        for folder in (output, expected)
    )
    assert rows == expected_rows
