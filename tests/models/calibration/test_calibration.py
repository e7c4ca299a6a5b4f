import numpy as np
import pytest
from scipy.special import expit
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.utils.class_weight import compute_sample_weight

from data.utils.errors import UsageError
from models.calibration.calibration import ISOTONIC_VIDEOS, calibrate
from models.calibration.calibrators import Isotonic, Platt, Temperature, fit_calibrator
from models.config import ServedConfig

METHODS = {"temperature": Temperature, "platt": Platt, "isotonic": Isotonic}
every_method = pytest.mark.parametrize("method", METHODS)


def simulate(count, scale=1.0, offset=0.0, seed=0):
    """Videos whose true log odds are (logits - offset) / scale."""
    random = np.random.default_rng(seed)
    odds = random.normal(0, 2, count)
    labels = (random.random(count) < expit(odds)).astype(np.int8)
    return (odds * scale + offset).astype(np.float32), labels


def run(
    logits,
    labels,
    false_positive_rate=0.05,
    false_negative_rate=0.05,
    *,
    method="temperature",
    evaluations=1,
    groups=None,
):
    return calibrate(
        np.asarray(logits, np.float32),
        np.asarray(labels, np.int8),
        np.arange(len(labels), dtype=np.int32) if groups is None else groups,
        ServedConfig(
            name="tiny",
            calibration=method,
            false_positive_rate=false_positive_rate,
            false_negative_rate=false_negative_rate,
        ),
        evaluations=evaluations,
    )


@every_method
def test_fits_the_method_that_is_asked_for(method):
    logits, labels = simulate(200, 2.0, 1.0)
    calibrator = run(logits, labels, method=method).decision.calibrator
    assert isinstance(calibrator, METHODS[method])
    assert calibrator == fit_calibrator(method, logits, labels)


def test_a_choice_among_evaluations_is_a_warning():
    logits, labels = np.linspace(-4, 4, 40), np.repeat([0, 1], 20)
    assert run(logits, labels, evaluations=1).warnings == ()
    (warning,) = run(logits, labels, evaluations=3).warnings
    assert "the best of 3 evaluations" in warning
    assert "optimistic" in warning


@pytest.mark.parametrize(
    ("reals", "named"), [(ISOTONIC_VIDEOS - 1, ["499 real eval videos"]), (ISOTONIC_VIDEOS, [])]
)
def test_too_few_videos_for_isotonic_are_a_warning(reals, named):
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], [reals, ISOTONIC_VIDEOS])
    logits = random.normal(labels * 2.0)
    warnings = run(logits, labels, method="isotonic").warnings
    assert [warning.split(" are too few for isotonic")[0] for warning in warnings] == named
    for warning in warnings:
        assert "(500 are needed)" in warning
        assert warning.endswith("set `calibration` to automatic")
    assert run(logits, labels, method="platt").warnings == ()


@every_method
def test_reported_figures_are_of_groups_not_fitted_on(method):
    logits, labels = simulate(40, 6.0, 3.0)
    groups = np.arange(40, dtype=np.int32) // 2
    result = run(logits, labels, 0.2, 0.2, method=method, groups=groups)
    held_out = np.empty(40)
    for fold in range(5):
        chosen = groups % 5 == fold
        calibrator = fit_calibrator(method, logits[~chosen], labels[~chosen])
        held_out[chosen] = calibrator.probability(logits[chosen])
    weights = compute_sample_weight("balanced", labels)

    def expected_loss(probabilities):
        return sklearn_log_loss(labels, probabilities, sample_weight=weights)

    raw, fitted = expit(logits.astype(float)), result.decision.calibrator.probability(logits)
    assert result.log_loss == pytest.approx(expected_loss(raw))
    assert result.calibrated_log_loss == pytest.approx(expected_loss(held_out))
    assert result.calibrated_log_loss > expected_loss(fitted) + 1e-3
    for reliability, probabilities in (
        (result.reliability, raw),
        (result.calibrated_reliability, held_out),
    ):
        # Both classes the same: each video as often as the other class has videos.
        copies = np.where(labels == 1, np.sum(labels == 0), np.sum(labels == 1))
        # scikit-learn's bins hold their lower edge, ours the upper one.
        repeated = np.maximum(np.repeat(probabilities, copies) - 1e-9, 0)
        share, mean = calibration_curve(np.repeat(labels, copies), repeated, n_bins=15)
        counts = np.histogram(repeated, bins=15, range=(0, 1))[0]
        expected = np.average(np.abs(share - mean), weights=counts[counts > 0])
        assert reliability.expected_calibration_error == pytest.approx(expected)


def test_calibration_that_made_it_worse_is_a_warning():
    logits, labels = simulate(30, seed=2)  # well calibrated as they are
    groups = np.arange(30, dtype=np.int32) // 6
    result = run(logits, labels, 0.3, 0.3, method="isotonic", groups=groups)
    assert result.calibrated_log_loss > result.log_loss
    (warning,) = [one for one in result.warnings if "made log loss worse" in one]
    after, before = f"{result.calibrated_log_loss:.3f}", f"{result.log_loss:.3f}"
    assert warning.startswith("isotonic calibration")
    assert f"{after} after {before}" in warning
    better = run(*simulate(2000, 6.0, 4.0), method="platt")
    assert not [one for one in better.warnings if "made log loss worse" in one]


@every_method
def test_calibration_lowers_the_calibration_error(method):
    result = run(*simulate(2000, 6.0, 4.0), method=method)
    before = result.reliability.expected_calibration_error
    after = result.calibrated_reliability.expected_calibration_error
    assert before > 0.1
    if method != "temperature":  # which cannot move scores that are off to one side
        assert after < 0.03


def test_a_fold_that_leaves_one_class_alone_stays_uncalibrated():
    # Of two groups each is one class.
    logits, labels = simulate(60, 6.0)
    result = run(logits, labels, groups=labels.astype(np.int32))
    assert result.calibrated_log_loss == result.log_loss


@pytest.mark.parametrize(("label", "missing"), [(0, "fake"), (1, "real")])
def test_a_missing_class_is_an_error(label, missing):
    with pytest.raises(UsageError, match=f"the eval split holds no {missing} video"):
        run([0.5, 1.0], [label, label])
