import numpy as np
import pytest
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight

from models.calibration.mapping_fit import (
    TEMPERATURE_BOUNDS,
    fit_isotonic,
    fit_mapping,
    fit_platt,
    fit_temperature,
)

METHODS = ["temperature", "platt", "isotonic"]


def simulate(count, scale=1.0, offset=0.0, seed=0):
    """Videos whose true log odds are (logits - offset) / scale."""
    random = np.random.default_rng(seed)
    odds = random.normal(0, 2, count)
    labels = (random.random(count) < expit(odds)).astype(np.int8)
    return odds * scale + offset, labels


def platts_targets(labels):
    reals, fakes = np.bincount(labels)
    return np.where(labels == 1, (fakes + 1) / (fakes + 2), 1 / (reals + 2))


def logistic_regression(features, labels, **options):
    """scikit-learn's, on Platt's targets: each video as a share of a fake and of a real."""
    targets, weights = platts_targets(labels), compute_sample_weight("balanced", labels)
    model = LogisticRegression(penalty=None, tol=1e-10, max_iter=1000, **options)
    return model.fit(
        np.concatenate([features, features])[:, np.newaxis],
        np.repeat([1, 0], len(labels)),
        np.concatenate([weights * targets, weights * (1 - targets)]),
    )


@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0])
def test_recovers_the_temperature(scale):
    fit = fit_temperature(*simulate(20_000, scale))
    assert fit.temperature == pytest.approx(scale, rel=0.05)


def test_temperature_is_logistic_regression_without_intercept():
    logits, labels = simulate(60, 3.0, seed=3)
    expected = logistic_regression(logits, labels, fit_intercept=False)
    assert fit_temperature(logits, labels).temperature == pytest.approx(
        1 / expected.coef_[0, 0], rel=1e-4
    )


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (3.0, 5.0), (0.2, -90.0), (15, 900.0)])
def test_platt_is_logistic_regression(scale, offset):
    logits, labels = simulate(80, scale, offset)
    # Moved and scaled, which changes no fit, so that its optimiser converges.
    expected = logistic_regression((logits - offset) / scale, labels)
    slope = expected.coef_[0, 0] / scale
    fit = fit_platt(logits, labels)
    assert fit.slope == pytest.approx(slope, rel=1e-4)
    assert fit.intercept == pytest.approx(
        expected.intercept_[0] - slope * offset, rel=1e-4, abs=1e-4
    )


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose decision function is its one feature."""

    classes_ = np.array([0, 1])

    def fit(self, features, labels):
        return self

    def decision_function(self, features):
        return features[:, 0]


def test_platt_is_scikit_learns_sigmoid_calibration_where_classes_are_as_large():
    logits, labels = simulate(400, 2.0, 1.0)
    chosen = np.concatenate([np.flatnonzero(labels == label)[:120] for label in (0, 1)])
    features, labels = logits[chosen, np.newaxis], labels[chosen]
    model = CalibratedClassifierCV(Given(), method="sigmoid", cv="prefit").fit(features, labels)
    np.testing.assert_allclose(
        fit_platt(features[:, 0], labels).probability(features[:, 0]),
        model.predict_proba(features)[:, 1],
        atol=1e-4,
    )


def test_isotonic_is_scikit_learns_between_platts_bounds():
    logits, labels = simulate(200, 2.0)
    logits[10:14] = logits[10]  # ties
    reals, fakes = np.bincount(labels)
    plain = IsotonicRegression(out_of_bounds="clip").fit(
        logits, labels, compute_sample_weight("balanced", labels)
    )
    low, high = 1 / (reals + 2), (fakes + 1) / (fakes + 2)
    scores = np.linspace(logits.min() - 1, logits.max() + 1, 500)
    probabilities = fit_isotonic(logits, labels).probability(scores)
    # Least squares follows its targets: their shift and scale are the fit's.
    np.testing.assert_allclose(probabilities, low + (high - low) * plain.predict(scores), atol=1e-9)
    assert probabilities[0] == pytest.approx(low)
    assert probabilities[-1] == pytest.approx(high)


@pytest.mark.parametrize("method", METHODS)
def test_does_not_follow_the_larger_class(method):
    logits, labels = simulate(2000, 3.0, 1.0)
    reals, fakes = np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)
    # One class alone, ten times over: with plain means it would decide.
    repeated = np.concatenate([np.tile(reals, 10), fakes])
    scores = np.linspace(-8, 8, 50)
    np.testing.assert_allclose(
        fit_mapping(method, logits[repeated], labels[repeated]).probability(scores),
        fit_mapping(method, logits, labels).probability(scores),
        atol=0.005,
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("sign", [1, 0, -1], ids=["separated", "constant", "backwards"])
def test_is_monotone_and_finite_whatever_the_scores(method, sign):
    logits = sign * np.concatenate([np.linspace(-6, -3, 40), np.linspace(3, 6, 40)])
    mapping = fit_mapping(method, logits, np.repeat([0, 1], 40).astype(np.int8))
    probabilities = mapping.probability(np.linspace(-6, 6, 101))
    assert np.all(np.diff(probabilities) >= 0)
    assert 0 < probabilities[0] <= 0.5 + 1e-9
    assert 0.5 - 1e-9 <= probabilities[-1] < 1
    if sign == 1:
        # 40 videos of a class without exception leave a doubt of about 1 in 42.
        assert 0.002 < probabilities[0] < 0.05
        assert 0.95 < probabilities[-1] < 0.998


def test_slopes_are_the_temperatures_bounds():
    logits = np.linspace(5, -5, 40)
    labels = np.repeat([0, 1], 20).astype(np.int8)
    assert fit_platt(logits, labels).slope == pytest.approx(1 / TEMPERATURE_BOUNDS[1])
    assert fit_temperature(logits, labels).temperature == pytest.approx(
        TEMPERATURE_BOUNDS[1], rel=1e-3
    )
