import dataclasses

import numpy as np
import pytest
from scipy.special import expit

from models.calibration.calibrators import Calibrator, fit_calibrator
from models.calibration.thresholds import fit_thresholds
from models.config import ServedConfig

every_method = pytest.mark.parametrize("method", ["temperature", "platt", "isotonic"])


@dataclasses.dataclass
class Result:
    calibrator: Calibrator
    real_below: float
    fake_above: float
    warnings: list[str]


def simulate(count, scale=1.0, offset=0.0, seed=0):
    """Videos whose true log odds are (logits - offset) / scale."""
    random = np.random.default_rng(seed)
    odds = random.normal(0, 2, count)
    labels = (random.random(count) < expit(odds)).astype(np.int8)
    return odds * scale + offset, labels


def run(
    logits,
    labels,
    false_positive_rate=0.05,
    false_negative_rate=0.05,
    *,
    method="temperature",
    groups=None,
):
    logits, labels = np.asarray(logits, np.float64), np.asarray(labels, np.int8)
    calibrator = fit_calibrator(method, logits, labels)
    return Result(
        calibrator,
        *fit_thresholds(
            logits,
            labels,
            np.arange(len(labels)) if groups is None else groups,
            calibrator,
            ServedConfig(
                name="tiny",
                false_positive_rate=false_positive_rate,
                false_negative_rate=false_negative_rate,
            ),
        ),
    )


@every_method
def test_separated_classes_share_one_cut(method):
    logits = np.concatenate([np.linspace(-6, -3, 40), np.linspace(3, 6, 40)])
    result = run(logits, np.repeat([0, 1], 40), method=method)
    # Half-way between the reals' and the fakes' conformal quantiles.
    assert result.real_below == pytest.approx(0.5)
    assert result.fake_above == pytest.approx(0.5)
    assert result.warnings == []


@every_method
@pytest.mark.parametrize("shift", [-3, 0, 3])
@pytest.mark.parametrize("count", [4, 40])
@pytest.mark.parametrize("distance", [-1.0, 0.5, 1.0])
def test_nothing_is_called_what_it_is_less_likely_to_be(method, shift, count, distance):
    # Shifted far, a quantile lies on the other side of even odds, or of a logit of 0.
    reals = np.linspace(-2, -1, count)
    logits = np.concatenate([reals, reals + 1.5 + distance]) + shift
    result = run(logits, np.repeat([0, 1], count), method=method)
    assert result.real_below <= 0.5 <= result.fake_above


@pytest.mark.parametrize("shift", [-3, 3])
def test_the_cut_between_separated_classes_is_bounded_by_even_odds(shift):
    # Two of 41 videos may err, and the new one is the 41st: each class's second most extreme.
    reals, fakes = np.linspace(-2, -1, 40) + shift, np.linspace(1, 2, 40) + shift
    result = run(np.concatenate([reals, fakes]), np.repeat([0, 1], 40))
    middle = expit((reals[-2] + fakes[1]) / 2 / result.calibrator.temperature)
    assert result.real_below == pytest.approx(min(middle, 0.5))
    assert result.fake_above == pytest.approx(max(middle, 0.5))
    assert abs(middle - 0.5) > 0.05


def test_an_intercept_moves_the_cut_with_even_odds():
    # Scores that are all off to one side, where temperature scaling calls no fake a fake.
    logits = np.concatenate([np.linspace(-6, -3, 40), np.linspace(3, 6, 40)]) - 20
    labels = np.repeat([0, 1], 40)
    platt = run(logits, labels, method="platt")
    probabilities = platt.calibrator.probability(logits)
    assert np.all(probabilities[labels == 0] < platt.real_below)
    assert np.all(probabilities[labels == 1] > platt.fake_above)
    assert platt.calibrator.probability(np.array([-20.0])) == pytest.approx(0.5)
    temperature = run(logits, labels)
    assert np.all(temperature.calibrator.probability(logits) < temperature.fake_above)
    assert platt.warnings == []
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
    real_below, fake_above = result.calibrator.probability(np.array([fakes.min(), reals.max()]))
    assert result.fake_above == max(fake_above, 0.5)
    assert result.real_below == min(real_below, 0.5)


@every_method
def test_rates_hold_on_new_videos(method):
    # Off to one side, so that no method but temperature scaling has its even odds at 0.
    logits, labels = simulate(4000, 2.0, 0.0 if method == "temperature" else 7.0)
    errors = []
    for part in np.split(np.arange(2000), 20):
        result = run(logits[part], labels[part], 0.1, 0.2, method=method)
        probability = result.calibrator.probability(logits[2000:])
        real = labels[2000:] == 0
        errors.append(
            [
                np.mean(probability[real] > result.fake_above),
                np.mean(probability[~real] < result.real_below),
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
    assert result.real_below == pytest.approx(0.05)
    assert result.fake_above == pytest.approx(0.95)
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
        reals, fakes = result.calibrator.probability(fresh + np.array([[-0.5], [0.5]]))
        errors.append(
            [
                np.mean(reals > result.fake_above),
                np.mean(fakes < result.real_below),
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
    assert result.real_below <= 0.05
    # Not one of them is called what it is not.
    assert result.calibrator.probability(logits[labels == 1]).min() >= (result.real_below - 1e-9)


@every_method
@pytest.mark.parametrize(("reals", "fakes"), [(5, 60), (60, 5)])
def test_a_rate_that_cannot_be_stated_widens_its_own_side_alone(method, reals, fakes):
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], [reals, fakes])
    result = run(random.normal(labels * 2.0 - 9), labels, method=method)
    if reals < fakes:
        assert (result.fake_above >= 0.95, result.real_below > 0.05) == (
            True,
            True,
        )
        assert result.warnings[0].startswith("5 real eval videos of 5 source groups are")
    else:
        assert (result.real_below <= 0.05, result.fake_above < 0.95) == (
            True,
            True,
        )
        assert result.warnings[0].startswith("5 fake eval videos of 5 source groups are")


@every_method
def test_wide_band_reaches_over_every_known_real(method):
    result = run([-1.0, 9.0, 0.4, 10.0], [0, 0, 1, 1], method=method)
    assert result.fake_above >= result.calibrator.probability(np.array([9.0])) - 1e-9


def test_a_verdict_that_never_occurs_is_a_warning():
    # Two of a class: isotonic probabilities end at 3 / 4, where the wide band is not over.
    warnings = run([-1.0, -0.5, 0.4, 1.0], [0, 0, 1, 1], method="isotonic").warnings
    missing = [warning for warning in warnings if "none of the" in warning]
    assert [warning.split(":")[0] for warning in missing] == [
        "none of the fake eval videos is called fake",
        "none of the real eval videos is called real",
    ]
    assert "end at 0.750, and the threshold is 0.950" in missing[0]
    assert "set `calibration` to automatic" in missing[0]
