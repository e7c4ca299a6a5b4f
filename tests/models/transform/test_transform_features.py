import numpy as np
import pytest
import tensorflow as tf

from data import example_encoding
from models.transform.preprocessing import BUCKETS
from models.transform.transform_features import TransformFeatures, label_only


@pytest.fixture(scope="module")
def examples(videos):
    return tf.constant([example_encoding.encode(video) for video in videos[:3]])


@pytest.mark.slow
def test_features_survive_saving(examples, transform_output, tmp_path):
    features = TransformFeatures(transform_output)
    expected = features(examples)
    assert expected.keys() == {"label", "weight", *BUCKETS}
    signature = tf.function(
        features.__call__, input_signature=[tf.TensorSpec([None], tf.string)]
    ).get_concrete_function()
    tf.saved_model.save(features, str(tmp_path), signatures={"serving_default": signature})
    loaded = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    for name, values in loaded(examples=examples).items():
        np.testing.assert_array_equal(values, expected[name])


def test_without_a_graph_there_is_the_label(examples):
    features = label_only(examples)
    assert features.keys() == {"label"}
    np.testing.assert_array_equal(features["label"], [0, 1, 0])


@pytest.mark.parametrize("damage", [b"no Example", b""])
def test_one_bad_row_fails_the_call(examples, transform_output, damage):
    rows = tf.concat([examples, [damage]], axis=0)
    for features in (TransformFeatures(transform_output), label_only):
        with pytest.raises(tf.errors.InvalidArgumentError):
            features(rows)
