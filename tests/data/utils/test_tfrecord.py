"""TFRecords are read and written as TensorFlow does it."""

import io

import pytest
import tensorflow as tf

from data.utils import tfrecord

RECORDS = [b"", b"one", bytes(range(256)) * 300]


def written():
    file = io.BytesIO()
    tfrecord.write(file, RECORDS)
    return file.getvalue()


def test_tensorflow_reads_what_is_written(tmp_path):
    path = tmp_path / "records"
    path.write_bytes(written())
    assert list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()) == RECORDS


def test_what_tensorflow_writes_is_read(tmp_path):
    path = tmp_path / "records"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in RECORDS:
            writer.write(record)
    assert path.read_bytes() == written()
    with path.open("rb") as file:
        assert list(tfrecord.read(file)) == RECORDS


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content[:5], "cut short"),
        (lambda content: content[:-1], "cut short"),
        (lambda content: content[:-10] + b"?" + content[-9:], "is damaged"),
        (lambda content: b"?" + content[1:], "length .* is damaged"),
    ],
    ids=["in the header", "in the last checksum", "in a record", "in a length"],
)
def test_damage_is_found(damage, message):
    with pytest.raises(ValueError, match=message):
        list(tfrecord.read(io.BytesIO(damage(written()))))
