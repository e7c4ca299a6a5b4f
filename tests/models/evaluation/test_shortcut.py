import dataclasses

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from models.evaluation import shortcut

GROUPS = 60
LABELS = np.tile([0, 1], GROUPS).astype(np.int8)
NUMBERS = np.repeat(np.arange(GROUPS), 2)


def draw(seed=0, shape=()):
    return np.random.default_rng(seed).normal(size=(len(LABELS), *shape))


def measure(scores, **nuisances):
    return shortcut.measure_shortcut(scores, LABELS, NUMBERS, nuisances)


def test_a_score_that_is_the_nuisance_is_explained_within_each_class():
    rate = draw()
    report = measure(5 * rate, bit_rate=rate, sharpness=draw(1))
    for estimate in (report.explained_reals, report.explained_fakes, report.explained_all):
        assert estimate.value > 0.97
        assert estimate.interval[0] > 0.95
        assert estimate.interval[1] <= 1
    of_rate = report.nuisances["bit_rate"]
    assert of_rate.correlation_in_reals.value == pytest.approx(1)
    assert of_rate.correlation_in_fakes.interval[0] > 0.99
    assert report.label_auc.interval[0] < 0.5 < report.label_auc.interval[1]


def test_intervals_of_independent_scores_hold_nothing_about_as_often_as_they_say():
    groups = np.arange(40)
    held_share = held_correlation = 0
    for seed in range(100):
        scores, *columns = np.random.default_rng(seed).normal(size=(4, len(groups)))
        share = shortcut.explained_share(scores, np.stack(columns, axis=1), groups)
        assert share.value < 0.25
        # Five folds of noise explain a little less than nothing.
        held_share += share.interval[0] <= 0
        low, high = shortcut.correlation(scores, columns[0], groups).interval
        held_correlation += low <= 0 <= high
    assert held_share >= 93
    assert 88 <= held_correlation <= 99


def test_a_nuisance_that_is_the_label_tells_fakes_by_itself():
    compression = LABELS * 10 + draw() * 0.1
    report = measure(draw(1), bit_rate=-compression, sharpness=draw(2))
    assert report.nuisances["bit_rate"].label_auc.value == 0
    assert report.label_auc.value > 0.99
    assert report.label_auc.interval[0] > 0.95
    assert measure(draw(1), bit_rate=-compression).label_auc.value == 1
    assert report.nuisances["sharpness"].label_auc.value == pytest.approx(
        roc_auc_score(LABELS, draw(2))
    )
    assert abs(report.explained_all.value) < 0.2


def test_what_tells_the_classes_apart_explains_over_both_and_not_within():
    report = measure(LABELS + 0.1 * draw(1), bit_rate=LABELS + 0.1 * draw(2))
    assert report.explained_all.value > 0.5
    assert report.explained_reals.value < 0.1
    assert report.explained_fakes.value < 0.1
    assert report.model_auc.value == report.nuisances["bit_rate"].label_auc.value == 1


def test_correlations_are_scipys():
    scores, values = np.round(draw(), 1), np.round(draw() + draw(1), 1)  # with ties
    report = measure(scores, bit_rate=values)
    nuisance = report.nuisances["bit_rate"].correlation_in_reals
    assert nuisance.value == pytest.approx(spearmanr(scores[::2], values[::2]).statistic)
    assert nuisance.interval[0] < nuisance.value < nuisance.interval[1]


def test_explained_share_is_near_that_of_a_plain_regression_of_ranks():
    columns = draw(3, (2,))
    scores = columns @ [1.0, -0.5] + 0.8 * draw(4)
    ranks = [np.argsort(np.argsort(values, axis=0), axis=0) for values in (columns, scores)]
    predicted = cross_val_predict(
        LinearRegression(), *ranks, groups=NUMBERS, cv=GroupKFold(shortcut.FOLDS)
    )
    nuisance = shortcut.explained_share(scores, columns, NUMBERS)
    assert nuisance.value == pytest.approx(r2_score(ranks[1], predicted), abs=0.01)


def test_ranks_alone_count():
    logits, rate = draw() + draw(1), draw()
    report = measure(logits, bit_rate=rate)
    assert measure(1 / (1 + np.exp(-logits)), bit_rate=np.exp(rate)) == report


def test_a_source_group_is_never_on_both_sides():
    # What is peculiar to a group, and to nothing else, cannot be learnt from other groups.
    of_group = np.random.default_rng(0).permutation(GROUPS)[NUMBERS].astype(float)
    one_hot = (NUMBERS[:, np.newaxis] == np.arange(GROUPS)).astype(float)
    assert shortcut.explained_share(of_group, one_hot, NUMBERS).value < 0.05
    assert shortcut.explained_share(of_group, one_hot, np.arange(len(NUMBERS))).value > 0.15


def test_labels_are_told_from_other_groups_alone():
    groups = np.repeat(np.arange(40), 4)
    labels = (groups % 2).astype(np.int8)
    one_hot = (groups[:, np.newaxis] == np.arange(40)).astype(float)
    assert shortcut.label_auc(one_hot, labels, groups).value < 0.6
    assert shortcut.label_auc(one_hot, labels, np.arange(len(groups))).value > 0.9


def test_clips_of_one_source_do_not_narrow_intervals():
    scores, values = draw()[::2], (draw() + draw(1))[::2]
    once = shortcut.correlation(scores, values, np.arange(GROUPS))
    four_times = (np.repeat(each, 4) for each in (scores, values, np.arange(GROUPS)))
    repeated = shortcut.correlation(*four_times)
    assert repeated.interval == pytest.approx(once.interval)
    columns = values[:, np.newaxis]
    once = shortcut.explained_share(scores, columns, np.arange(GROUPS))
    four_times = (np.repeat(each, 4, axis=0) for each in (scores, columns, np.arange(GROUPS)))
    repeated = shortcut.explained_share(*four_times)
    assert repeated.interval == pytest.approx(once.interval, abs=0.03)


def test_too_few_groups_give_a_reason_instead_of_a_number():
    few = slice(0, 2 * (shortcut.MIN_GROUPS - 1))
    report = shortcut.measure_shortcut(
        draw()[few], LABELS[few], NUMBERS[few], {"bit_rate": draw(1)[few]}
    )
    missing = shortcut.Estimate(None, None, "9 source groups, 10 needed")
    of_rate = report.nuisances["bit_rate"]
    assert of_rate.correlation_in_reals == of_rate.correlation_in_fakes == missing
    assert report.explained_reals == report.explained_fakes == report.explained_all == missing
    assert report.label_auc.reason == "9 source groups of real videos, 10 needed"
    assert report.model_auc.value == pytest.approx(roc_auc_score(LABELS[few], draw()[few]))


def test_one_class_has_no_area_under_a_curve_but_may_be_explained():
    reals = LABELS == 0
    report = shortcut.measure_shortcut(
        draw()[reals], LABELS[reals], NUMBERS[reals], {"bit_rate": draw()[reals]}
    )
    assert report.model_auc == shortcut.Estimate(None, None, "no fake video")
    assert report.label_auc.reason == "0 source groups of fake videos, 10 needed"
    assert report.explained_fakes.value is None
    assert report.explained_reals.value > 0.9


def test_scores_or_values_that_are_all_the_same_have_no_correlation():
    same = np.ones(len(LABELS))
    report = measure(same, bit_rate=draw())
    assert report.explained_reals == shortcut.Estimate(None, None, "all scores are the same")
    report = measure(draw(), bit_rate=same)
    nuisance = report.nuisances["bit_rate"]
    assert nuisance.correlation_in_fakes == shortcut.Estimate(None, None, "all values are the same")
    assert report.explained_reals.value < 0.1


def test_smallest_measurable_split():
    few = slice(0, 2 * shortcut.MIN_GROUPS)
    report = shortcut.measure_shortcut(
        draw()[few], LABELS[few], NUMBERS[few], {"rate": draw(1)[few]}
    )
    for field in dataclasses.fields(report)[1:]:
        estimate = getattr(report, field.name)
        assert estimate.interval[0] <= estimate.value <= estimate.interval[1]


@pytest.mark.parametrize("bad", [np.full(len(LABELS), np.nan), np.zeros(3)])
def test_what_is_no_number_for_each_video_is_refused(bad):
    with pytest.raises(ValueError, match="bit_rate: one finite number is needed for each of 120"):
        measure(draw(), bit_rate=bad)
