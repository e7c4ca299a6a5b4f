"""A SavedModel in a session, as TensorFlow Serving runs it, not as Python's loader does."""

import numpy as np
import pytest
import tensorflow as tf
from skimage import data

from data import example_encoding
from tests.models.tiny_served import faces

pytestmark = pytest.mark.slow


def test_runs_in_a_session_as_in_tensorflow_serving(saved, call, videos):
    """TensorFlow Serving restores variables by their names, Python's loader by their objects."""
    _, encoded = faces(3)
    mixed = [encoded[0], b"hello", encoded[2]]
    examples = [example_encoding.encode(video) for video in videos[:2]]
    requests = {
        "serving_default": mixed,
        "serving_tracks": [[*encoded, b""], [*mixed, b""]],
        "serving_examples": [*examples, b"no Example"],
        "serving_frames": [tf.io.encode_jpeg(data.astronaut()).numpy(), b"hello"],
        "transform_features": examples,
        "transform_labels": examples,
    }
    expected = {name: call(name, rows) for name, rows in requests.items()}
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], saved)
        assert set(graph.signature_def) - {"__saved_model_init_op"} == set(requests)
        for name, rows in requests.items():
            signature = graph.signature_def[name]
            (info,) = signature.inputs.values()
            outputs = session.run(
                {key: output.name for key, output in signature.outputs.items()}, {info.name: rows}
            )
            for key, values in expected[name].items():
                if np.issubdtype(values.dtype, np.floating):
                    np.testing.assert_allclose(outputs[key], values, atol=1e-6)
                else:
                    np.testing.assert_array_equal(outputs[key], values)
