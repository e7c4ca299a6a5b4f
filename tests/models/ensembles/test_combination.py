import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from models.calibration import Platt, Temperature
from models.ensembles.combination import (
    Stacked,
    Weighted,
    fit_stack,
    fit_weights,
    fixed_weights,
)
from models.scoring import max_over_tracks

PLAIN = Temperature(temperature=1.0)


@pytest.fixture(scope="module")
def scores():
    """Logits of a good, a poor and a blind member of 40 videos, half of them of two tracks."""
    random = np.random.default_rng(0)
    labels = np.tile([0, 1], 20).astype(np.int8)
    video = np.sort(np.concatenate([np.arange(40), np.arange(0, 40, 2)])).astype(np.int32)
    signal = 2.0 * labels[video] - 1
    logits = [scale * signal + random.normal(0, 1, len(video)) for scale in (1.5, 0.7, 0.0)]
    return np.array(logits, np.float32), video, labels


def test_weighted_is_the_mean_of_calibrated_probabilities(scores):
    logits, _, _ = scores
    calibrators = (Temperature(temperature=2.0), Platt(slope=0.5, intercept=1.0), PLAIN)
    combined = fixed_weights([3.0, 2.0, 5.0], calibrators).logits(tf.constant(logits)).numpy()
    expected = (
        0.3 * expit(logits[0] / 2) + 0.2 * expit(0.5 * logits[1] + 1) + 0.5 * expit(logits[2])
    )
    np.testing.assert_allclose(combined, logit(expected), rtol=1e-4, atol=1e-5)
    assert combined.dtype == np.float32


def test_stacked_is_linear(scores):
    logits, _, _ = scores
    combined = Stacked((2.0, -1.0, 0.5), 0.25).logits(tf.constant(logits)).numpy()
    expected = 2 * logits[0] - logits[1] + 0.5 * logits[2] + 0.25
    np.testing.assert_allclose(combined, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "combination", [Weighted((0.5, 0.5), (PLAIN, PLAIN)), Stacked((1.0, 1.0), 0.0)]
)
def test_no_score_of_a_member_is_no_score_of_all(combination):
    logits = tf.constant([[np.nan, 1.0], [2.0, 500.0]])
    combined = combination.logits(logits).numpy()
    assert np.isnan(combined[0])
    assert np.isfinite(combined[1])


def test_fitted_weights_have_the_least_log_loss(scores):
    logits, video, labels = scores
    fitted = fit_weights(logits, video, labels, (PLAIN,) * 3)
    assert sum(fitted.weights) == pytest.approx(1.0)

    def loss(weights):
        combined = fixed_weights(weights, (PLAIN,) * 3).logits(tf.constant(logits)).numpy()
        # As many reals as fakes: scikit-learn's plain mean weighs the classes alike.
        return log_loss(labels, expit(max_over_tracks(combined, video)))

    grid = [
        loss([a, b, max(1 - a - b, 0)])
        for a in np.linspace(0, 1, 21)
        for b in np.linspace(0, 1 - a, 21)
        if a + b > 0
    ]
    assert loss(fitted.weights) <= min(grid) + 1e-3
    assert fitted.weights[0] == max(fitted.weights)


@pytest.mark.parametrize("seed", range(3))
def test_members_that_are_nearly_alike_are_weighed_too(seed):
    random = np.random.default_rng(seed)
    labels = np.tile([0, 1], 200).astype(np.int8)
    signal = 2.0 * labels - 1
    logits = np.array(
        [scale * random.normal(scale * signal, scale) for scale in (1.5, 1.2)], np.float32
    )
    videos = np.arange(400, dtype=np.int32)
    fitted = fit_weights(logits, videos, labels, (PLAIN, PLAIN))

    def loss(weight):
        combined = fixed_weights([weight, 1 - weight], (PLAIN, PLAIN)).logits(tf.constant(logits))
        return log_loss(labels, expit(combined.numpy().astype(float)))

    assert loss(fitted.weights[0]) <= min(map(loss, np.linspace(0, 1, 101))) + 1e-4


def test_a_stack_is_logistic_regression_on_video_scores(scores):
    logits, video, labels = scores
    fitted = fit_stack(logits, video, labels)
    members = np.array([[row[video == v].max() for row in logits] for v in range(40)])
    expected = LogisticRegression(class_weight="balanced").fit(members, labels)
    np.testing.assert_allclose(fitted.coefficients, expected.coef_[0], rtol=1e-5)
    assert fitted.intercept == pytest.approx(expected.intercept_[0])


def test_videos_without_tracks_are_left_out_of_a_fit(scores):
    logits, video, labels = scores
    some = video % 3 != 0
    numbered = np.unique(video[some], return_inverse=True)[1].astype(np.int32)
    expected = fit_stack(logits[:, some], numbered, labels[np.unique(video[some])])
    stacked = fit_stack(logits[:, some], video[some], labels)
    np.testing.assert_allclose(stacked.coefficients, expected.coefficients)
