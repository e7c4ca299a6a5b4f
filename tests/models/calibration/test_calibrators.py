import json

import numpy as np
import pydantic
import pytest
import tensorflow as tf
from scipy.interpolate import interp1d
from scipy.special import expit, logit

from models.calibration.calibrators import Isotonic, Platt, Temperature, from_json

MAPPINGS = {
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


@pytest.fixture(params=MAPPINGS.values(), ids=MAPPINGS)
def mapping(request):
    return request.param


def test_the_graph_says_what_numpy_says(mapping):
    in_graph = tf.function(mapping.probability_in_graph)(tf.constant(SCORES))
    assert in_graph.dtype == tf.float32
    np.testing.assert_allclose(in_graph.numpy(), mapping.probability(SCORES), atol=1e-7, rtol=0)


def test_never_falls(mapping):
    scores = np.sort(SCORES)
    assert np.all(np.diff(mapping.probability(scores)) >= 0)
    assert np.all(np.diff(mapping.probability_in_graph(tf.constant(scores)).numpy()) >= 0)


def test_is_a_probability(mapping):
    probabilities = mapping.probability(SCORES)
    assert probabilities.dtype == np.float64
    assert np.all((probabilities >= 0) & (probabilities <= 1))


def test_log_odds_are_those_of_the_probability(mapping):
    scores = np.linspace(-5, 5, 11)
    np.testing.assert_allclose(expit(mapping.log_odds(scores)), mapping.probability(scores))


def test_no_score_gives_no_probability(mapping):
    scores = np.array([np.nan, 0, np.nan], np.float32)
    for values in (
        mapping.probability(scores),
        mapping.probability_in_graph(tf.constant(scores)).numpy(),
    ):
        np.testing.assert_array_equal(np.isnan(values), [True, False, True])


@pytest.mark.parametrize("shape", [(0,), (0, 4), (3, 0), (2, 3), ()])
def test_keeps_the_shape(mapping, shape):
    scores = np.zeros(shape, np.float32)
    in_graph = tf.function(
        mapping.probability_in_graph,
        input_signature=[tf.TensorSpec([None] * len(shape), tf.float32)],
    )
    assert in_graph(scores).shape == shape
    assert mapping.probability(scores).shape == shape


def test_json_brings_it_back(mapping):
    assert from_json(json.loads(json.dumps(mapping.to_json(), allow_nan=False))) == mapping


def test_json_names_the_method():
    assert MAPPINGS["platt"].to_json() == {"method": "platt", "slope": 2.5, "intercept": -40.0}


def test_temperature_divides_the_logit():
    assert Temperature(temperature=2.0).probability(np.array([4.0])) == pytest.approx(expit(2.0))


def test_platts_even_odds_lie_where_slope_and_intercept_say():
    mapping = Platt(slope=2.0, intercept=-3.0)
    assert mapping.probability(np.array([1.5])) == 0.5
    assert mapping.log_odds(np.array([2.0])) == pytest.approx(1.0)


def test_isotonic_is_piecewise_linear_and_level_outside():
    knots, heights = (-1.0, 0.0, 2.0), (0.1, 0.2, 0.8)
    scores = np.linspace(-3, 4, 71)
    expected = interp1d(knots, heights, bounds_error=False, fill_value=(0.1, 0.8))(scores)
    mapping = Isotonic(logits=knots, probabilities=heights)
    np.testing.assert_allclose(mapping.probability(scores), expected)
    assert mapping.log_odds(np.array([1.0])) == pytest.approx(logit(0.5))


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
def test_what_is_no_mapping_is_said(content, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        from_json(content)
