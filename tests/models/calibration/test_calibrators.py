import json

import numpy as np
import pydantic
import pytest
import tensorflow as tf
from scipy.interpolate import interp1d
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight

from models.calibration.calibrators import (
    TEMPERATURE_BOUNDS,
    Calibrator,
    Isotonic,
    Platt,
    Temperature,
    fit_calibrator,
)

CALIBRATORS = {
    "temperature": Temperature(temperature=0.3),
    "platt": Platt(slope=2.5, intercept=-40.0),
    "isotonic": Isotonic(logits=(-2.0, 0.5, 0.500001, 7.0), probabilities=(0.01, 0.4, 0.9, 0.9)),
    "isotonic of one knot": Isotonic(logits=(1.5,), probabilities=(0.5,)),
}
SCORES = np.concatenate(
    [
        np.linspace(-60, 60, 4001),
        np.linspace(0.49999, 0.50001, 101),
        [-2.0, 0.5, 1.5, 7.0, -1e30, 1e30],
    ]
).astype(np.float32)


@pytest.fixture(params=CALIBRATORS.values(), ids=CALIBRATORS)
def calibrator(request):
    return request.param


def test_the_graph_says_what_numpy_says(calibrator):
    in_graph = tf.function(calibrator.probability_in_graph)(tf.constant(SCORES))
    assert in_graph.dtype == tf.float32
    np.testing.assert_allclose(in_graph.numpy(), calibrator.probability(SCORES), atol=1e-7, rtol=0)


def test_never_falls(calibrator):
    scores = np.sort(SCORES)
    assert np.all(np.diff(calibrator.probability(scores)) >= 0)
    assert np.all(np.diff(calibrator.probability_in_graph(tf.constant(scores)).numpy()) >= 0)


def test_is_a_probability(calibrator):
    probabilities = calibrator.probability(SCORES)
    assert probabilities.dtype == np.float64
    assert np.all((probabilities >= 0) & (probabilities <= 1))


def test_log_odds_are_those_of_the_probability(calibrator):
    scores = np.linspace(-5, 5, 11)
    np.testing.assert_allclose(expit(calibrator.log_odds(scores)), calibrator.probability(scores))


def test_no_score_gives_no_probability(calibrator):
    scores = np.array([np.nan, 0, np.nan], np.float32)
    for values in (
        calibrator.probability(scores),
        calibrator.probability_in_graph(tf.constant(scores)).numpy(),
    ):
        np.testing.assert_array_equal(np.isnan(values), [True, False, True])


@pytest.mark.parametrize("shape", [(0,), (0, 4), (3, 0), (2, 3), ()])
def test_keeps_the_shape(calibrator, shape):
    scores = np.zeros(shape, np.float32)
    in_graph = tf.function(
        calibrator.probability_in_graph,
        input_signature=[tf.TensorSpec([None] * len(shape), tf.float32)],
    )
    assert in_graph(scores).shape == shape
    assert calibrator.probability(scores).shape == shape


def test_json_brings_it_back(calibrator):
    assert (
        Calibrator.from_json(json.loads(json.dumps(calibrator.to_json(), allow_nan=False)))
        == calibrator
    )


def test_json_names_the_method():
    assert CALIBRATORS["platt"].to_json() == {"method": "platt", "slope": 2.5, "intercept": -40.0}


def test_temperature_divides_the_logit():
    assert Temperature(temperature=2.0).probability(np.array([4.0])) == pytest.approx(expit(2.0))


def test_platts_even_odds_lie_where_slope_and_intercept_say():
    calibrator = Platt(slope=2.0, intercept=-3.0)
    assert calibrator.probability(np.array([1.5])) == 0.5
    assert calibrator.log_odds(np.array([2.0])) == pytest.approx(1.0)


def test_isotonic_is_piecewise_linear_and_level_outside():
    knots, heights = (-1.0, 0.0, 2.0), (0.1, 0.2, 0.8)
    scores = np.linspace(-3, 4, 71)
    expected = interp1d(knots, heights, bounds_error=False, fill_value=(0.1, 0.8))(scores)
    calibrator = Isotonic(logits=knots, probabilities=heights)
    np.testing.assert_allclose(calibrator.probability(scores), expected)
    assert calibrator.log_odds(np.array([1.0])) == pytest.approx(logit(0.5))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"method": "beta"}, "'temperature', 'platt', 'isotonic'"),
        ({"method": "temperature", "temperature": 0.0}, "greater than 0"),
        ({"method": "temperature", "temperature": float("nan")}, "finite"),
        ({"method": "platt", "slope": -1.0, "intercept": 0.0}, "greater than 0"),
        ({"method": "platt", "slope": 1.0}, "intercept"),
        (
            {"method": "isotonic", "logits": [0, 0], "probabilities": [0.1, 0.2]},
            "logits must rise",
        ),
        (
            {"method": "isotonic", "logits": [0, 1], "probabilities": [0.2, 0.1]},
            "probabilities must not fall",
        ),
        (
            {"method": "isotonic", "logits": [0, 1], "probabilities": [0.2]},
            "2 logits and 1 probabilities",
        ),
        ({"method": "isotonic", "logits": [0], "probabilities": [1.0]}, "less than 1"),
    ],
)
def test_invalid_json_is_refused(content, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        Calibrator.from_json(content)


METHODS = ["temperature", "platt", "isotonic"]


def simulate(count, scale=1.0, offset=0.0, seed=0):
    """Videos whose true log odds are (logits - offset) / scale."""
    random = np.random.default_rng(seed)
    odds = random.normal(0, 2, count)
    labels = (random.random(count) < expit(odds)).astype(np.int8)
    return odds * scale + offset, labels


def logistic_regression(features, labels, **options):
    model = LogisticRegression(
        penalty=None, class_weight="balanced", tol=1e-10, max_iter=1000, **options
    )
    return model.fit(features[:, np.newaxis], labels)


@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0])
def test_recovers_the_temperature(scale):
    fit = Temperature.fit(*simulate(20_000, scale))
    assert fit.temperature == pytest.approx(scale, rel=0.05)


def test_temperature_is_logistic_regression_without_intercept():
    logits, labels = simulate(60, 3.0, seed=3)
    expected = logistic_regression(logits, labels, fit_intercept=False)
    assert Temperature.fit(logits, labels).temperature == pytest.approx(
        1 / expected.coef_[0, 0], rel=1e-4
    )


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (3.0, 5.0), (0.2, -90.0), (15, 900.0)])
def test_platt_is_logistic_regression(scale, offset):
    logits, labels = simulate(80, scale, offset)
    # Moved and scaled, which changes no fit, so that its optimiser converges.
    expected = logistic_regression((logits - offset) / scale, labels)
    slope = expected.coef_[0, 0] / scale
    fit = Platt.fit(logits, labels)
    assert fit.slope == pytest.approx(slope, rel=1e-4)
    assert fit.intercept == pytest.approx(
        expected.intercept_[0] - slope * offset, rel=1e-4, abs=1e-4
    )


def test_isotonic_is_scikit_learns_within_the_least_doubt():
    logits, labels = simulate(200, 2.0)
    logits[10:14] = logits[10]  # ties
    reals, fakes = np.bincount(labels)
    plain = IsotonicRegression(out_of_bounds="clip").fit(
        logits, labels, compute_sample_weight("balanced", labels)
    )
    knots = plain.X_thresholds_
    probabilities = Isotonic.fit(logits, labels).probability(knots)
    low, high = 1 / (reals + 2), (fakes + 1) / (fakes + 2)
    np.testing.assert_allclose(probabilities, np.clip(plain.predict(knots), low, high), atol=1e-12)
    assert probabilities[0] == low
    assert probabilities[-1] == high


@pytest.mark.parametrize("method", ["temperature", "platt"])
@pytest.mark.parametrize("count", [5, 40, 400])
def test_separated_classes_leave_the_doubt_of_the_rule_of_succession(method, count):
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], [count, 2 * count]).astype(np.int8)
    logits = np.where(labels == 1, 1, -1) * random.uniform(1, 9, len(labels))
    probabilities = fit_calibrator(method, logits, labels).probability(logits)
    doubts = [probabilities[labels == 0].mean(), 1 - probabilities[labels == 1].mean()]
    assert np.mean(doubts) == pytest.approx(np.mean([1 / (count + 2), 1 / (2 * count + 2)]))


@pytest.mark.parametrize("method", METHODS)
def test_does_not_follow_the_larger_class(method):
    logits, labels = simulate(2000, 3.0, 1.0)
    reals, fakes = np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)
    # One class alone, ten times over: with plain means it would decide.
    repeated = np.concatenate([np.tile(reals, 10), fakes])
    scores = np.linspace(-8, 8, 50)
    np.testing.assert_allclose(
        fit_calibrator(method, logits[repeated], labels[repeated]).probability(scores),
        fit_calibrator(method, logits, labels).probability(scores),
        atol=0.005,
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("sign", [1, 0, -1], ids=["separated", "constant", "backwards"])
def test_is_monotone_and_finite_whatever_the_scores(method, sign):
    logits = sign * np.concatenate([np.linspace(-6, -3, 40), np.linspace(3, 6, 40)])
    calibrator = fit_calibrator(method, logits, np.repeat([0, 1], 40).astype(np.int8))
    probabilities = calibrator.probability(np.linspace(-6, 6, 101))
    assert np.all(np.diff(probabilities) >= 0)
    assert 0 < probabilities[0] <= 0.5 + 1e-9
    assert 0.5 - 1e-9 <= probabilities[-1] < 1
    if sign == 1:
        # 40 videos of a class without exception leave a doubt of 1 in 42 on average.
        assert 0.001 < probabilities[0] < 0.05
        assert 0.95 < probabilities[-1] < 0.999


def test_slopes_are_the_temperatures_bounds():
    logits = np.linspace(5, -5, 40)
    labels = np.repeat([0, 1], 20).astype(np.int8)
    assert Platt.fit(logits, labels).slope == pytest.approx(1 / TEMPERATURE_BOUNDS[1])
    assert Temperature.fit(logits, labels).temperature == pytest.approx(
        TEMPERATURE_BOUNDS[1], rel=1e-3
    )
