import numpy as np
import pytest
import tensorflow as tf

from data.contract import VerdictCode
from models.calibration.calibrators import Platt
from models.calibration.decision import Decision

DECISION = Decision(Platt(slope=2.0, intercept=-1.0), real_below=0.25, fake_above=0.75)


@pytest.mark.parametrize(
    ("probability", "readable", "expected"),
    [
        pytest.param(0.0, True, VerdictCode.REAL, id="real"),
        pytest.param(0.25, True, VerdictCode.UNCERTAIN, id="at the lower threshold"),
        pytest.param(0.5, True, VerdictCode.UNCERTAIN, id="between"),
        pytest.param(0.75, True, VerdictCode.UNCERTAIN, id="at the upper threshold"),
        pytest.param(1.0, True, VerdictCode.FAKE, id="fake"),
        pytest.param(np.nan, True, VerdictCode.UNCERTAIN, id="no score"),
        pytest.param(np.nan, False, VerdictCode.UNREADABLE, id="unreadable"),
        pytest.param(1.0, False, VerdictCode.UNREADABLE, id="unreadable whatever its probability"),
    ],
)
def test_verdict(probability, readable, expected):
    verdict = DECISION.verdict(tf.constant([probability]), tf.constant([readable]))
    assert verdict.dtype == tf.int64
    assert verdict.numpy().tolist() == [expected]


def test_probability_is_the_calibrators():
    logits = np.array([[-1.0, 0.5], [3.0, np.nan]], np.float32)
    probability = DECISION.probability(tf.constant(logits))
    assert probability.dtype == tf.float32
    expected = DECISION.calibrator.probability(logits)
    np.testing.assert_allclose(probability, expected, rtol=1e-6)


def test_json():
    assert DECISION.to_json() == {
        "calibration": {"method": "platt", "slope": 2.0, "intercept": -1.0},
        "thresholds": {"real_below": 0.25, "fake_above": 0.75},
    }
