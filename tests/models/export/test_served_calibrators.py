"""One calibrator in numpy, in the graph and in the SavedModel loaded again."""

import json

import numpy as np
import pytest
import tensorflow as tf

from models.calibration import Calibrator, fit_calibrator
from models.export.served_model import ServedModel
from models.scoring import NetworkScorer
from models.transform import TransformFeatures
from tests.models.tiny_served import TRACK_LENGTH, decision_of, example, faces, logit, verdicts

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("method", ["temperature", "platt", "isotonic"])
def test_numpy_graph_and_saved_model_agree(method, network, transform_output, tmp_path):
    pixels, encoded = faces(40)
    logits = logit(network, pixels)
    # Wrong in part and off to one side, so that no calibrator is trivial.
    labels = (logits + np.random.default_rng(0).normal(0, 2, 40) > 1).astype(np.int8)
    calibrator = fit_calibrator(method, logits, labels)
    thresholds = np.quantile(calibrator.probability(logits), [1 / 3, 2 / 3])
    served = ServedModel(
        NetworkScorer(network),
        decision_of(calibrator, thresholds),
        track_length=TRACK_LENGTH,
        transform=TransformFeatures(transform_output),
    )
    # The signatures whose answers go through the calibrator in different shapes.
    signatures = {
        name: tf.function(getattr(served, name), jit_compile=False).get_concrete_function(spec)
        for name, spec in (
            ("serving_default", tf.TensorSpec([None], tf.string, name="faces")),
            ("serving_tracks", tf.TensorSpec([None, TRACK_LENGTH], tf.string, name="faces")),
            ("serving_examples", tf.TensorSpec([None], tf.string, name="examples")),
        )
    }
    tf.saved_model.save(served, str(tmp_path), signatures=signatures)
    reloaded = tf.saved_model.load(str(tmp_path)).signatures
    expected = Calibrator.from_json(json.loads(json.dumps(calibrator.to_json()))).probability(
        logits
    )
    np.testing.assert_array_equal(expected, calibrator.probability(logits))
    assert np.ptp(expected) > 0.3
    single = {"faces": tf.constant(encoded)}
    rows = tf.constant([*encoded[:7], b""], tf.string, shape=(2, TRACK_LENGTH))
    videos = {"examples": tf.constant([example(encoded, range(40)), example(encoded[:1], [0])])}
    for answers in (
        {
            "serving_default": served.serving_default(**single),
            "serving_tracks": served.serving_tracks(rows),
            "serving_examples": served.serving_examples(**videos),
        },
        {
            "serving_default": reloaded["serving_default"](**single),
            "serving_tracks": reloaded["serving_tracks"](faces=rows),
            "serving_examples": reloaded["serving_examples"](**videos),
        },
    ):
        np.testing.assert_allclose(
            answers["serving_default"]["fake_probability"], expected, atol=1e-6, rtol=0
        )
        tracks = [logits[:4].mean(), logits[4:7].mean()]
        np.testing.assert_allclose(
            answers["serving_tracks"]["fake_probability"],
            calibrator.probability(np.array(tracks)),
            atol=1e-6,
            rtol=0,
        )
        face_probability = answers["serving_tracks"]["face_probability"].numpy().reshape(-1)
        np.testing.assert_allclose(face_probability[:7], expected[:7], atol=1e-6, rtol=0)
        assert np.isnan(face_probability[7])
        np.testing.assert_allclose(
            answers["serving_examples"]["fake_probability"],
            [expected.max(), expected[0]],
            atol=1e-6,
            rtol=0,
        )
        clear = np.abs(expected[:, np.newaxis] - thresholds).min(axis=1) > 1e-5
        np.testing.assert_array_equal(
            answers["serving_default"]["verdict"].numpy()[clear],
            verdicts(expected, thresholds)[clear],
        )
