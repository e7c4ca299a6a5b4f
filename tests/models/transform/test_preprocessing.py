import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from sklearn.utils.class_weight import compute_class_weight

from data import example_encoding
from data.utils.errors import UsageError
from models.transform.preprocessing import preprocessing_fn, row_medians


def test_row_medians():
    rows = [[3.0, 1.0, 2.0], [], [4.0, 1.0], [-5.0], [1.0, 2.0, 3.0, 10.0]]
    values = tf.ragged.constant(rows, dtype=tf.float32)
    expected = [np.median(row) if row else 0.0 for row in rows]
    np.testing.assert_allclose(row_medians(values), expected)


def test_medians_of_no_values_at_all():
    values = tf.RaggedTensor.from_row_lengths(tf.zeros([0]), tf.constant([0, 0], tf.int64))
    np.testing.assert_array_equal(row_medians(values), [0, 0])


def test_thirds_of_the_training_videos(videos, transform_output):
    from models.transform.transform_features import TransformFeatures

    examples = tf.constant([example_encoding.encode(video) for video in videos])
    features = TransformFeatures(transform_output)(examples)
    np.testing.assert_array_equal(features["label"], [0, 1] * 4)
    # Bit rate, sharpness and face size all rise with the videos' number.
    for name, names in (
        ("slice/bit_rate", ["low", "medium", "high"]),
        ("slice/sharpness", ["low", "medium", "high"]),
        ("slice/face_size", ["small", "medium", "large"]),
    ):
        buckets = [bucket.decode() for bucket in features[name].numpy()]
        assert buckets == sorted(buckets, key=names.index), name
        assert sorted(buckets.count(bucket) for bucket in names) in ([2, 3, 3], [2, 2, 4]), name


@pytest.mark.slow
def test_the_rarer_class_weighs_more(videos, analyze):
    from models.transform.transform_features import TransformFeatures

    few_reals = [videos[1], videos[3], videos[5], videos[0]]
    examples = tf.constant([example_encoding.encode(video) for video in few_reals])
    weights = TransformFeatures(analyze(few_reals))(examples)["weight"].numpy()
    # As scikit-learn's "balanced": videos / (classes * videos of the class).
    expected = compute_class_weight("balanced", classes=np.array([0, 1]), y=[1, 1, 1, 0])
    np.testing.assert_allclose(weights, expected[[1, 1, 1, 0]], rtol=1e-6)


def test_faces_that_are_not_usable_change_no_bucket(videos, transform_output):
    from models.transform.transform_features import TransformFeatures

    def with_huge_sharp_face(video):
        face = dataclasses.replace(
            video.faces[-1], box=(0.0, 0.0, 9e3, 9e3), sharpness=9e9, usable=False
        )
        return dataclasses.replace(video, faces=video.faces + (face,) * 9)

    transform = TransformFeatures(transform_output)
    alone, among = (
        transform(tf.constant([example_encoding.encode(video) for video in made]))
        for made in (videos, map(with_huge_sharp_face, videos))
    )
    for name, values in alone.items():
        np.testing.assert_array_equal(among[name], values)


def test_a_column_with_the_name_of_a_slice_is_refused():
    with pytest.raises(UsageError, match="slice/sharpness"):
        preprocessing_fn({"slice/sharpness": tf.constant([["a"]])})
