import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.utils.class_weight import compute_sample_weight

from data.errors import UsageError
from models.calibration import calibrate, fit_temperature, log_loss


def simulate(count, scale=1.0, seed=0):
    """Videos whose true log odds are logits / scale."""
    random = np.random.default_rng(seed)
    odds = random.normal(0, 2, count)
    labels = (random.random(count) < expit(odds)).astype(np.int8)
    return (odds * scale).astype(np.float32), labels


def balanced_log_loss(logits, labels):
    weights = compute_sample_weight("balanced", labels)
    return sklearn_log_loss(labels, expit(logits.astype(float)), sample_weight=weights)


def run(logits, labels, false_positive_rate=0.05, false_negative_rate=0.05, evaluations=1):
    return calibrate(
        np.asarray(logits, np.float32),
        np.asarray(labels, np.int8),
        np.arange(len(labels), dtype=np.int32),
        false_positive_rate=false_positive_rate,
        false_negative_rate=false_negative_rate,
        evaluations=evaluations,
    )


@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0])
def test_recovers_the_temperature(scale):
    logits, labels = simulate(20_000, scale)
    assert fit_temperature(logits.astype(float), labels) == pytest.approx(scale, rel=0.05)


def test_both_classes_weigh_the_same_however_many_they_are():
    logits, labels = simulate(200, 3.0)
    chosen = np.concatenate([np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)[:20]])
    logits, labels = logits[chosen], labels[chosen]
    assert log_loss(logits, labels) == pytest.approx(balanced_log_loss(logits, labels))


def test_the_temperature_does_not_follow_the_larger_class():
    logits, labels = simulate(2000, 3.0)
    reals, fakes = np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)
    # One class alone, ten times over: with plain means it would decide.
    repeated = np.concatenate([np.tile(reals, 10), fakes])
    assert fit_temperature(logits[repeated].astype(float), labels[repeated]) == pytest.approx(
        fit_temperature(logits.astype(float), labels), rel=0.01
    )


def test_separated_classes_keep_a_finite_temperature_and_share_one_cut():
    logits = np.concatenate([np.linspace(-6, -3, 40), np.linspace(3, 6, 40)])
    result = run(logits, np.repeat([0, 1], 40))
    assert 0.2 < result.temperature < 5
    # Half-way between the reals' and the fakes' conformal quantiles.
    assert result.real_below == result.fake_above == 0.5
    assert result.warnings == ()


@pytest.mark.parametrize(("shift", "real_below", "fake_above"), [(-3, None, 0.5), (3, 0.5, None)])
def test_nothing_is_called_what_it_is_less_likely_to_be(shift, real_below, fake_above):
    # Shifted far, one class's quantile lies on the other side of even odds.
    logits = np.concatenate([np.linspace(-2, -1, 40), np.linspace(1, 2, 40)]) + shift
    result = run(logits, np.repeat([0, 1], 40))
    assert result.real_below <= 0.5 <= result.fake_above
    if fake_above is not None:
        assert result.fake_above == fake_above
    if real_below is not None:
        assert result.real_below == real_below


def test_thresholds_are_the_conformal_quantiles():
    # 19 videos of each class are the fewest that can state 5 %; then the extremes decide.
    reals, fakes = np.arange(19) * 0.5 - 4, np.arange(19) * 0.5 - 3
    result = run(np.concatenate([reals, fakes]), np.repeat([0, 1], 19))
    assert result.warnings == ()
    assert result.fake_above == pytest.approx(expit(reals.max() / result.temperature))
    assert result.real_below == pytest.approx(expit(fakes.min() / result.temperature))


def test_rates_hold_on_new_videos():
    logits, labels = simulate(4000, 2.0)
    errors = []
    for part in np.split(np.arange(2000), 20):
        result = run(logits[part], labels[part], 0.1, 0.2)
        assert result.warnings == ()
        probability = expit(logits[2000:] / result.temperature)
        real = labels[2000:] == 0
        errors.append(
            [
                np.mean(probability[real] > result.fake_above),
                np.mean(probability[~real] < result.real_below),
            ]
        )
    false_positives, false_negatives = np.mean(errors, axis=0)
    assert 0.07 < false_positives < 0.11
    assert 0.16 < false_negatives < 0.22


def test_too_few_videos_get_a_wide_band_and_a_warning():
    result = run([-1.0, -0.5, 0.4, 1.0], [0, 0, 1, 1])
    assert result.real_below == pytest.approx(0.05)
    assert result.fake_above == pytest.approx(0.95)
    assert [warning.split(" are too few")[0] for warning in result.warnings] == [
        "2 real eval videos",
        "2 fake eval videos",
    ]
    assert "(19 are needed)" in result.warnings[0]


def test_a_choice_among_evaluations_is_told():
    logits, labels = np.linspace(-4, 4, 40), np.repeat([0, 1], 20)
    assert run(logits, labels, evaluations=1).warnings == ()
    (warning,) = run(logits, labels, evaluations=3).warnings
    assert "the best of 3 evaluations" in warning
    assert "optimistic" in warning


def test_wide_band_reaches_over_every_known_real():
    result = run([-1.0, 9.0, 0.4, 10.0], [0, 0, 1, 1])
    assert result.fake_above >= expit(9.0 / result.temperature) - 1e-9


def test_reported_loss_is_of_groups_not_fitted_on():
    logits, labels = simulate(40, 6.0)
    groups = np.arange(40, dtype=np.int32) // 2
    result = calibrate(
        logits,
        labels,
        groups,
        false_positive_rate=0.2,
        false_negative_rate=0.2,
        evaluations=1,
    )
    held_out_logits = logits.astype(float)
    for fold in range(5):
        held_out = groups % 5 == fold
        temperature = fit_temperature(logits[~held_out].astype(float), labels[~held_out])
        held_out_logits[held_out] /= temperature
    expected = balanced_log_loss(held_out_logits, labels)
    assert result.calibrated_log_loss == pytest.approx(expected)
    assert result.log_loss == pytest.approx(balanced_log_loss(logits, labels))
    fitted = balanced_log_loss(logits / result.temperature, labels)
    assert result.calibrated_log_loss > fitted + 1e-3


@pytest.mark.parametrize(("label", "missing"), [(0, "fake"), (1, "real")])
def test_a_missing_class_is_an_error(label, missing):
    with pytest.raises(UsageError, match=f"the eval split holds no {missing} video"):
        run([0.5, 1.0], [label, label])
