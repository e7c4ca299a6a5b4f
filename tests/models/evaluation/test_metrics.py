import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import brunnermunzel, norm
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.metrics import roc_auc_score
from sklearn.utils.class_weight import compute_sample_weight

from models.evaluation.metrics import auc_interval, log_loss, reliability

Z = norm.ppf(0.975)


def simulate(reals, fakes, seed=0, distance=1.5):
    random = np.random.default_rng(seed)
    labels = np.repeat([0, 1], [reals, fakes]).astype(np.int8)
    return random.normal(labels * distance), labels


def test_both_classes_weigh_the_same_in_the_log_loss():
    scores, labels = simulate(30, 200)
    weights = compute_sample_weight("balanced", labels)
    expected = sklearn_log_loss(labels, expit(scores), sample_weight=weights)
    assert log_loss(scores, labels) == pytest.approx(expected)


def test_log_loss_of_certainty_is_finite():
    assert log_loss(np.array([-800.0, 800.0]), np.array([1, 0], np.int8)) == pytest.approx(800)


def scikit_learns_error(probabilities, labels):
    """From its calibration curve; its bins are closed on the left, which matters on edges only."""
    share, mean = calibration_curve(labels, probabilities, n_bins=15, strategy="uniform")
    counts = np.histogram(probabilities, bins=15, range=(0, 1))[0]
    return np.average(np.abs(share - mean), weights=counts[counts > 0])


def test_calibration_error_of_as_many_reals_as_fakes():
    scores, labels = simulate(100, 100)
    probabilities = expit(3 * scores)
    assert reliability(probabilities, labels).expected_calibration_error == pytest.approx(
        scikit_learns_error(probabilities, labels)
    )


def test_calibration_error_weighs_classes_the_same():
    scores, labels = simulate(20, 60)
    probabilities = expit(3 * scores)
    # Each real three times: as many as there are fakes.
    repeats = np.where(labels == 0, 3, 1)
    expected = scikit_learns_error(np.repeat(probabilities, repeats), np.repeat(labels, repeats))
    result = reliability(probabilities, labels)
    assert result.expected_calibration_error == pytest.approx(expected)
    assert (result.reals.sum(), result.fakes.sum()) == (20, 60)
    assert result.weight.sum() == pytest.approx(1)


def test_bins_hold_their_upper_edge():
    edges = np.arange(16) / 15
    labels = np.tile([0, 1], 8).astype(np.int8)
    result = reliability(edges, labels)
    np.testing.assert_array_equal(result.reals + result.fakes, [2] + [1] * 14)


def test_certain_and_wrong_is_an_error_of_one():
    labels = np.array([0, 0, 1], np.int8)
    assert reliability(1.0 - labels, labels).expected_calibration_error == 1.0
    assert reliability(labels.astype(float), labels).expected_calibration_error == 0.0


def log_odds_interval(auc, deviation):
    margin = Z * deviation / (auc * (1 - auc))
    centre = np.log(auc / (1 - auc))
    return expit(centre - margin), expit(centre + margin)


@pytest.mark.parametrize("ties", [False, True])
def test_of_single_videos_the_variance_is_delongs(ties):
    # Brunner and Munzel's statistic is the AUC's distance from 1/2 in deviations of the same
    # estimator.
    scores, labels = simulate(25, 40)
    if ties:
        scores = scores.round()
    auc = roc_auc_score(labels, scores)
    deviation = (auc - 0.5) / abs(brunnermunzel(scores[labels == 0], scores[labels == 1]).statistic)
    np.testing.assert_allclose(
        auc_interval(scores, labels, np.arange(65)), log_odds_interval(auc, deviation), rtol=1e-9
    )


def test_copies_of_a_video_tell_nothing_new():
    scores, labels = simulate(25, 40)
    groups = np.arange(65)
    copies = [np.tile(values, 4) for values in (scores, labels, groups)]
    np.testing.assert_allclose(auc_interval(*copies), auc_interval(scores, labels, groups))


def test_what_reals_and_their_fakes_share_does_not_spread_the_auc():
    # Score = group + 1 for fakes: within a group a fake always wins, so that draws of other
    # groups would change the AUC less than as many draws of single videos.
    random = np.random.default_rng(0)
    shared = random.normal(size=40)
    scores = np.concatenate([shared, shared + 1])
    labels = np.repeat([0, 1], 40).astype(np.int8)
    low, high = auc_interval(scores, labels, np.tile(np.arange(40), 2))
    single_low, single_high = auc_interval(scores, labels, np.arange(80))
    assert high - low < 0.8 * (single_high - single_low)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_perfect_auc_is_not_certain(sign):
    labels = np.repeat([0, 1], [20, 60]).astype(np.int8)
    groups = np.concatenate([np.arange(20), np.repeat(np.arange(20), 3)])
    low, high = auc_interval(sign * labels.astype(float), labels, groups)
    if sign < 0:
        low, high = 1 - high, 1 - low
    assert high == 1
    # Newcombe's equation: 1 is `Z` deviations above the lower end; 20 groups of each class.
    variance = low * (1 - low) * (1 + 19 * ((1 - low) / (2 - low) + low / (1 + low))) / 20**2
    assert (1 - low) / np.sqrt(variance) == pytest.approx(Z, rel=1e-6)


def test_one_group_gives_a_wide_interval():
    low, high = auc_interval(np.arange(4.0), np.array([0, 1, 0, 1], np.int8), np.zeros(4, int))
    assert (low < 0.2, high > 0.9) == (True, True)


def test_a_higher_confidence_is_a_wider_interval():
    scores, labels = simulate(25, 40)
    groups = np.arange(65)
    low, high = auc_interval(scores, labels, groups, confidence=0.99)
    narrow_low, narrow_high = auc_interval(scores, labels, groups, confidence=0.5)
    assert low < narrow_low < narrow_high < high


def test_the_interval_holds_the_truth_as_often_as_it_says():
    # 20 groups of a real and two fakes that share something; AUC of normals 2.4 apart.
    random = np.random.default_rng(0)
    real_groups, fake_groups = np.arange(20), np.repeat(np.arange(20), 2)
    labels = np.repeat([0, 1], [20, 40]).astype(np.int8)
    groups = np.concatenate([real_groups, fake_groups])
    truth, held = norm.cdf(2.4 / np.sqrt(2)), []
    for _ in range(400):
        scores = (random.normal(size=20)[groups] + random.normal(size=60)) / np.sqrt(2)
        low, high = auc_interval(scores + 2.4 * labels, labels, groups)
        held.append(low <= truth <= high)
    assert 0.91 <= np.mean(held) <= 0.99
