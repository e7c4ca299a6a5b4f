import dataclasses

import tensorflow as tf

from data import example_encoding
from models.evaluation.trivial_baseline import trivial_baseline_auc
from tests import tiny_dataset


def test_colour_tells_the_redder_fakes_and_unusable_faces_tell_nothing(tmp_path):
    tiny_dataset.write(tmp_path)
    assert trivial_baseline_auc(str(tmp_path)) == 1.0
    # Where all usable faces are alike, the redder ones that are not usable must not help.
    for split in ("train", "test"):
        path = str(tmp_path / f"{split}-00000-of-00001")
        (record, *_) = tf.data.TFRecordDataset(path).as_numpy_iterator()
        alike = example_encoding.parse(record).faces
        with tf.io.TFRecordWriter(path) as writer:
            for video in tiny_dataset.make_split(split, 8):
                marked = [dataclasses.replace(face, track=1, usable=False) for face in video.faces]
                faces = (*alike, *marked)
                writer.write(example_encoding.encode(dataclasses.replace(video, faces=faces)))
    assert trivial_baseline_auc(str(tmp_path)) == 0.5
