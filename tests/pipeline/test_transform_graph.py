import numpy as np
import pytest
import tensorflow as tf

from data import example_encoding
from models.transform import TransformFeatures
from pipeline import transform_graph
from tests import tiny_dataset

pytestmark = pytest.mark.slow


def test_buckets_are_thirds_of_the_analysed_videos(tmp_path):
    tiny_dataset.write(tmp_path / "examples")
    (tmp_path / "scratch").mkdir()
    graph = transform_graph.analyze(
        [str(tmp_path / "examples" / "train-*-of-*")], str(tmp_path / "scratch")
    )
    videos = tiny_dataset.make_split("train", 16)
    examples = tf.constant([example_encoding.encode(video) for video in videos])
    features = TransformFeatures(graph)(examples)
    np.testing.assert_array_equal(features["label"], [video.annotation.label for video in videos])
    # The bit rate rises with the video's number.
    buckets = features["slice/bit_rate"].numpy().tolist()
    assert buckets == sorted(buckets, key=[b"low", b"medium", b"high"].index)
    assert all(buckets.count(name) in (5, 6) for name in (b"low", b"medium", b"high"))
