import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logit

from models.networks.pooling import pool_tracks

CONFIDENT_FAKE, CONFIDENT_REAL, UNSURE = logit(0.9), logit(0.05), logit(0.6)


def pool(logits, segments, count, how):
    return pool_tracks(
        tf.constant(logits, tf.float32),
        tf.constant(segments, tf.int32),
        tf.constant(count),
        how,
    ).numpy()


@pytest.mark.parametrize(
    ("how", "expected"), [("mean", [2.0, -3.0, np.nan]), ("max", [3.0, -2.0, np.nan])]
)
def test_mean_and_max_whatever_the_order_of_faces(how, expected):
    pooled = pool([3.0, -4.0, 1.0, -2.0], [0, 1, 0, 1], 3, how)
    np.testing.assert_allclose(pooled, expected)


@pytest.mark.parametrize(
    ("fakes", "reals", "unsure", "expected"),
    [
        pytest.param(13, 10, 9, CONFIDENT_FAKE, id="12 and more than 40 % are fake"),
        pytest.param(11, 0, 9, None, id="too few fakes in number"),
        pytest.param(12, 10, 10, None, id="too few fakes in share"),
        pytest.param(0, 30, 2, CONFIDENT_REAL, id="more than 90 % are real"),
        pytest.param(0, 28, 4, None, id="too few reals"),
    ],
)
def test_confident_mean_follows_the_winners_rule(fakes, reals, unsure, expected):
    logits = [CONFIDENT_FAKE] * fakes + [CONFIDENT_REAL] * reals + [UNSURE] * unsure
    other = [5.0]  # a track of its own changes nothing
    pooled = pool(logits + other, [0] * len(logits) + [1], 3, "confident_mean")
    expected = np.mean(logits) if expected is None else expected
    np.testing.assert_allclose(pooled[0], expected, rtol=1e-5)
    np.testing.assert_allclose(pooled[1], 5.0)
    assert np.isnan(pooled[2])
