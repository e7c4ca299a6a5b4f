import numpy as np
import pytest
from scipy.special import expit
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.utils.class_weight import compute_sample_weight

from data.utils.errors import UsageError
from models.calibration.calibration import ISOTONIC_VIDEOS, calibrate
from models.calibration.calibrators import Isotonic, Platt, Temperature
from models.calibration.mapping_fit import fit_mapping

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
        method=method,
        false_positive_rate=false_positive_rate,
        false_negative_rate=false_negative_rate,
        evaluations=evaluations,
    )


def about_rates(result):
    """The warnings that are not of isotonic calibration's need of videos."""
    return [warning for warning in result.warnings if "for isotonic" not in warning]


@every_method
def test_fits_the_method_that_is_asked_for(method):
    logits, labels = simulate(200, 2.0, 1.0)
    mapping = run(logits, labels, method=method).decision.mapping
    assert isinstance(mapping, METHODS[method])
    assert mapping == fit_mapping(method, logits, labels)


@every_method
def test_separated_classes_share_one_cut(method):
    logits = np.concatenate([np.linspace(-6, -3, 40), np.linspace(3, 6, 40)])
    result = run(logits, np.repeat([0, 1], 40), method=method)
    # Half-way between the reals' and the fakes' conformal quantiles.
    assert result.decision.real_below == pytest.approx(0.5)
    assert result.decision.fake_above == pytest.approx(0.5)
    assert about_rates(result) == []


@every_method
@pytest.mark.parametrize("shift", [-3, 0, 3])
@pytest.mark.parametrize("count", [4, 40])
@pytest.mark.parametrize("distance", [-1.0, 0.5, 1.0])
def test_nothing_is_called_what_it_is_less_likely_to_be(method, shift, count, distance):
    # Shifted far, a quantile lies on the other side of even odds, or of a logit of 0.
    reals = np.linspace(-2, -1, count)
    logits = np.concatenate([reals, reals + 1.5 + distance]) + shift
    result = run(logits, np.repeat([0, 1], count), method=method)
    assert result.decision.real_below <= 0.5 <= result.decision.fake_above


@pytest.mark.parametrize("shift", [-3, 3])
def test_the_cut_between_separated_classes_is_bounded_by_even_odds(shift):
    # Two of 41 videos may err, and the new one is the 41st: each class's second most extreme.
    reals, fakes = np.linspace(-2, -1, 40) + shift, np.linspace(1, 2, 40) + shift
    result = run(np.concatenate([reals, fakes]), np.repeat([0, 1], 40))
    middle = expit((reals[-2] + fakes[1]) / 2 / result.decision.mapping.temperature)
    assert result.decision.real_below == pytest.approx(min(middle, 0.5))
    assert result.decision.fake_above == pytest.approx(max(middle, 0.5))
    assert abs(middle - 0.5) > 0.05


def test_an_intercept_moves_the_cut_with_even_odds():
    # Scores that are all off to one side, where temperature scaling calls no fake a fake.
    logits = np.concatenate([np.linspace(-6, -3, 40), np.linspace(3, 6, 40)]) - 20
    labels = np.repeat([0, 1], 40)
    platt = run(logits, labels, method="platt")
    probabilities = platt.decision.mapping.probability(logits)
    assert np.all(probabilities[labels == 0] < platt.decision.real_below)
    assert np.all(probabilities[labels == 1] > platt.decision.fake_above)
    assert platt.decision.mapping.probability(np.array([-20.0])) == pytest.approx(0.5)
    temperature = run(logits, labels)
    assert np.all(
        temperature.decision.mapping.probability(logits) < temperature.decision.fake_above
    )
    assert platt.warnings == ()
    (warning,) = temperature.warnings
    assert warning.startswith("none of the fake eval videos is called fake: their temperature")
    assert "set `calibration` to platt" in warning
    (warning,) = run(logits + 40, labels).warnings
    assert warning.startswith("none of the real eval videos is called real: their temperature")


@every_method
@pytest.mark.parametrize("offset", [0.0, 30.0])
def test_thresholds_are_the_conformal_quantiles(method, offset):
    # 19 videos of each class are the fewest that can state 5 %; then the extremes decide.
    reals, fakes = np.arange(19) * 0.5 - 4.125 + offset, np.arange(19) * 0.5 - 3 + offset
    result = run(np.concatenate([reals, fakes]), np.repeat([0, 1], 19), method=method)
    assert [warning for warning in result.warnings if "error rate" in warning] == []
    real_below, fake_above = result.decision.mapping.probability(
        np.array([fakes.min(), reals.max()])
    )
    assert result.decision.fake_above == max(fake_above, 0.5)
    assert result.decision.real_below == min(real_below, 0.5)


@every_method
def test_rates_hold_on_new_videos(method):
    # Off to one side, so that no method but temperature scaling has its even odds at 0.
    logits, labels = simulate(4000, 2.0, 0.0 if method == "temperature" else 7.0)
    errors = []
    for part in np.split(np.arange(2000), 20):
        result = run(logits[part], labels[part], 0.1, 0.2, method=method)
        probability = result.decision.mapping.probability(logits[2000:])
        real = labels[2000:] == 0
        errors.append(
            [
                np.mean(probability[real] > result.decision.fake_above),
                np.mean(probability[~real] < result.decision.real_below),
            ]
        )
    false_positives, false_negatives = np.mean(errors, axis=0)
    # Isotonic calibration cannot tell the videos of one step apart, and calls fewer.
    lowest = 0.5 if method == "isotonic" else 0.75
    assert lowest * 0.1 < false_positives < 0.11
    assert lowest * 0.2 < false_negatives < 0.22


@every_method
def test_too_few_videos_get_a_wide_band_and_a_warning(method):
    result = run([-1.0, -0.5, 0.4, 1.0], [0, 0, 1, 1], method=method)
    assert result.decision.real_below == pytest.approx(0.05)
    assert result.decision.fake_above == pytest.approx(0.95)
    assert [warning.split(" are too few")[0] for warning in result.warnings[:2]] == [
        "2 real eval videos of 2 source groups",
        "2 fake eval videos of 2 source groups",
    ]
    assert "error rate of 0.05 (19 groups are needed)" in result.warnings[0]


@every_method
def test_rates_hold_on_new_sources(method):
    """Videos of a source score alike, and sources differ in how many videos they have."""
    random = np.random.default_rng(0)
    errors = []
    for _ in range(60):
        sizes = random.integers(1, 12, 60)
        groups = np.repeat(np.arange(60, dtype=np.int32), sizes)
        labels = (groups % 2).astype(np.int8)
        centres = random.normal(0, 2, 60) + np.arange(60) % 2 - 0.5
        logits = centres[groups] + random.normal(0, 0.1, len(groups))
        result = run(logits, labels, 0.1, 0.2, method=method, groups=groups)
        fresh = random.normal(0, 2, 2000)
        reals, fakes = result.decision.mapping.probability(fresh + np.array([[-0.5], [0.5]]))
        errors.append(
            [
                np.mean(reals > result.decision.fake_above),
                np.mean(fakes < result.decision.real_below),
            ]
        )
    false_positives, false_negatives = np.mean(errors, axis=0)
    lowest = 0.4 if method == "isotonic" else 0.7
    assert lowest * 0.1 < false_positives < 0.11
    assert lowest * 0.2 < false_negatives < 0.22


@every_method
def test_videos_of_one_source_count_as_one(method):
    logits, labels = simulate(400, 2.0)
    groups = np.where(labels == 1, np.arange(400) % 18, np.arange(400) % 19).astype(np.int32)
    result = run(logits, labels, method=method, groups=groups)
    (warning,) = [warning for warning in result.warnings if "error rate" in warning]
    assert f"{labels.sum()} fake eval videos of 18 source groups are too few" in warning
    assert result.decision.real_below <= 0.05
    # Not one of them is called what it is not.
    assert result.decision.mapping.probability(logits[labels == 1]).min() >= (
        result.decision.real_below - 1e-9
    )


@every_method
@pytest.mark.parametrize(("reals", "fakes"), [(5, 60), (60, 5)])
def test_a_rate_that_cannot_be_stated_widens_its_own_side_alone(method, reals, fakes):
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], [reals, fakes])
    result = run(random.normal(labels * 2.0 - 9), labels, method=method)
    if reals < fakes:
        assert (result.decision.fake_above >= 0.95, result.decision.real_below > 0.05) == (
            True,
            True,
        )
        assert about_rates(result)[0].startswith("5 real eval videos of 5 source groups are")
    else:
        assert (result.decision.real_below <= 0.05, result.decision.fake_above < 0.95) == (
            True,
            True,
        )
        assert about_rates(result)[0].startswith("5 fake eval videos of 5 source groups are")


def test_a_choice_among_evaluations_is_told():
    logits, labels = np.linspace(-4, 4, 40), np.repeat([0, 1], 20)
    assert run(logits, labels, evaluations=1).warnings == ()
    (warning,) = run(logits, labels, evaluations=3).warnings
    assert "the best of 3 evaluations" in warning
    assert "optimistic" in warning


@every_method
def test_wide_band_reaches_over_every_known_real(method):
    result = run([-1.0, 9.0, 0.4, 10.0], [0, 0, 1, 1], method=method)
    assert result.decision.fake_above >= result.decision.mapping.probability(np.array([9.0])) - 1e-9


@pytest.mark.parametrize(
    ("reals", "named"), [(ISOTONIC_VIDEOS - 1, ["499 real eval videos"]), (ISOTONIC_VIDEOS, [])]
)
def test_too_few_videos_for_isotonic_are_told_with_the_method_to_use(reals, named):
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], [reals, ISOTONIC_VIDEOS])
    logits = random.normal(labels * 2.0)
    warnings = run(logits, labels, method="isotonic").warnings
    assert [warning.split(" are too few for isotonic")[0] for warning in warnings] == named
    for warning in warnings:
        assert "(500 are needed)" in warning
        assert warning.endswith("set `calibration` to temperature")
    assert run(logits, labels, method="platt").warnings == ()


def test_a_verdict_that_cannot_be_given_is_told():
    # Two of a class: isotonic probabilities end at 3 / 4, where the wide band is not over.
    warnings = run([-1.0, -0.5, 0.4, 1.0], [0, 0, 1, 1], method="isotonic").warnings
    told = [warning for warning in warnings if "none of the" in warning]
    assert [warning.split(":")[0] for warning in told] == [
        "none of the fake eval videos is called fake",
        "none of the real eval videos is called real",
    ]
    assert "end at 0.750, and the threshold is 0.950" in told[0]
    assert "set `calibration` to temperature" in told[0]


@every_method
def test_reported_figures_are_of_groups_not_fitted_on(method):
    logits, labels = simulate(40, 6.0, 3.0)
    groups = np.arange(40, dtype=np.int32) // 2
    result = run(logits, labels, 0.2, 0.2, method=method, groups=groups)
    held_out = np.empty(40)
    for fold in range(5):
        chosen = groups % 5 == fold
        mapping = fit_mapping(method, logits[~chosen], labels[~chosen])
        held_out[chosen] = mapping.probability(logits[chosen])
    weights = compute_sample_weight("balanced", labels)

    def expected_loss(probabilities):
        return sklearn_log_loss(labels, probabilities, sample_weight=weights)

    raw, fitted = expit(logits.astype(float)), result.decision.mapping.probability(logits)
    assert result.log_loss == pytest.approx(expected_loss(raw))
    assert result.calibrated_log_loss == pytest.approx(expected_loss(held_out))
    assert result.calibrated_log_loss > expected_loss(fitted) + 1e-3
    for reliability, probabilities in (
        (result.reliability, raw),
        (result.calibrated_reliability, held_out),
    ):
        # Both classes the same: each video as often as the other class has videos.
        copies = np.where(labels == 1, np.sum(labels == 0), np.sum(labels == 1))
        repeated = np.repeat(probabilities, copies)
        share, mean = calibration_curve(np.repeat(labels, copies), repeated, n_bins=15)
        counts = np.histogram(repeated, bins=15, range=(0, 1))[0]
        expected = np.average(np.abs(share - mean), weights=counts[counts > 0])
        assert reliability.expected_calibration_error == pytest.approx(expected)


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
