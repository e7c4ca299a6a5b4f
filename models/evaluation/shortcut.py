"""How much of a model's score nuisances explain, which have nothing to do with manipulation.

Where reals and fakes of a dataset differ in compression, sharpness or size, a network can learn
that difference instead of the manipulation, and do well on every split of the same dataset (Geirhos
et al., "Shortcut Learning in Deep Neural Networks", Nature Machine Intelligence 2020). Two
questions are asked here, since neither alone settles it:

1. *Does the dataset offer the shortcut?* `ShortcutReport.label_auc`: how well nuisances alone,
   without an image, tell fakes from reals. At 0.5 there is no shortcut. If it is near the model's
   own AUC, that AUC is no evidence that the model sees manipulation: nuisances suffice for it.
2. *Does the model take it?* `explained_reals` and `explained_fakes`: within a class a nuisance does
   not tell about manipulation, so a score that follows it there depends on the nuisance itself.
   Near 0 the model does not use these nuisances; well above 0 it does. If each class has one
   compression without any spread, this cannot be seen: then `label_auc` is near 1, and
   `explained_all` is the most that nuisances could account for.

All figures are of ranks: logits, probabilities and calibrated probabilities give the same ones.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.stats import norm, rankdata, t
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, cross_val_predict

from data.contract import Label
from models.evaluation.metrics import auc_interval

FOLDS = 5
MIN_GROUPS = 10
"""Source groups that an estimate needs, two a fold; below it is not made."""

CONFIDENCE = 0.95

_Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Estimate:
    """An estimate with its 95 % interval, or the reason why there is none.

    Attributes:
        value: the estimate; None where it cannot be made.
        interval: lower and upper end; None likewise.
        reason: of a missing value, one clause; else empty.
    """

    value: float | None
    interval: tuple[float, float] | None
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class NuisanceEstimates:
    """How one nuisance is related to scores and labels.

    Attributes:
        correlation_in_reals: Spearman's rank correlation of the score with the nuisance over
            real videos, -1 to 1; far from 0, the score follows it.
        correlation_in_fakes: over fake videos.
        label_auc: AUC of the nuisance itself as a score of being fake, 0 to 1: 0.5 if it tells
            nothing, towards 1 if fakes have more of it, towards 0 if they have less.
    """

    correlation_in_reals: Estimate
    correlation_in_fakes: Estimate
    label_auc: Estimate


@dataclasses.dataclass(frozen=True)
class ShortcutReport:
    """All estimates; the docstring of the module says what to conclude.

    Attributes:
        nuisances: by name.
        explained_reals: over real videos, the cross-validated share of the variance of the
            scores' ranks that a linear regression on all nuisances' ranks explains (R squared);
            at most 1. At 0 or below, it predicts no better than the mean does.
        explained_fakes: over fake videos.
        explained_all: over all videos. This includes how nuisances tell the classes apart: an
            upper bound of what the model owes to them, not a proof.
        label_auc: cross-validated AUC of a logistic regression of the label on all nuisances'
            ranks, 0 to 1.
        model_auc: of the scores, on the same videos.
    """

    nuisances: Mapping[str, NuisanceEstimates]
    explained_reals: Estimate
    explained_fakes: Estimate
    explained_all: Estimate
    label_auc: Estimate
    model_auc: Estimate


def measure_shortcut(
    scores: npt.NDArray[np.floating],
    labels: npt.NDArray[np.int8],
    groups: npt.NDArray[np.integer],
    nuisances: Mapping[str, npt.NDArray[np.floating]],
) -> ShortcutReport:
    """Measures how scores and labels of videos are related to nuisances.

    Cross-validation never has a source group on both sides: clips of one source resemble each
    other in score and nuisance alike.

    Args:
        scores: float [v], logits or probabilities, larger for fakes.
        labels: int8 [v], `data.contract.Label`.
        groups: int [v], source groups; videos of different groups are independent.
        nuisances: float [v] each, by name; one at least.

    Raises:
        ValueError: a length differs, or a number is not finite.
    """
    for name, values in {"scores": scores, "labels": labels, **nuisances}.items():
        if np.shape(values) != np.shape(groups) or not np.isfinite(values).all():
            raise ValueError(
                f"{name}: one finite number is needed for each of {len(groups)} videos"
            )
    columns = np.stack([np.asarray(values, np.float64) for values in nuisances.values()], axis=1)
    is_real, is_fake = labels == Label.REAL, labels == Label.FAKE
    return ShortcutReport(
        nuisances={
            name: NuisanceEstimates(
                correlation(scores[is_real], values[is_real], groups[is_real]),
                correlation(scores[is_fake], values[is_fake], groups[is_fake]),
                area_under_curve(values, labels, groups),
            )
            for name, values in nuisances.items()
        },
        explained_reals=explained_share(scores[is_real], columns[is_real], groups[is_real]),
        explained_fakes=explained_share(scores[is_fake], columns[is_fake], groups[is_fake]),
        explained_all=explained_share(scores, columns, groups),
        label_auc=label_auc(columns, labels, groups),
        model_auc=area_under_curve(scores, labels, groups),
    )


def correlation(
    scores: npt.NDArray[np.floating],
    values: npt.NDArray[np.floating],
    groups: npt.NDArray[np.integer],
) -> Estimate:
    """Spearman's rank correlation.

    The interval is that of Bonett and Wright, "Sample Size Requirements for Estimating Pearson,
    Kendall and Spearman Correlations" (Psychometrika 2000), with groups for videos.

    Args:
        scores: float [v].
        values: float [v].
        groups: int [v].

    Returns:
        -1 to 1.

    Example:
        >>> rising = np.arange(20.0)
        >>> correlation(rising, rising**2, np.arange(20)).value
        1.0
    """
    reason = _too_little(groups) or _constant(scores, "scores") or _constant(values, "values")
    if reason:
        return Estimate(None, None, reason)
    value = float(np.corrcoef(rankdata(scores), rankdata(values))[0, 1])
    # A perfect correlation has no interval of its own: it is infinitely far out.
    middle = np.arctanh(np.clip(value, -1 + 1e-9, 1 - 1e-9))
    deviation = np.sqrt((1 + value**2 / 2) / (len(np.unique(groups)) - 3))
    margin = norm.ppf((1 + CONFIDENCE) / 2) * deviation
    return Estimate(value, (float(np.tanh(middle - margin)), float(np.tanh(middle + margin))))


def explained_share(
    scores: npt.NDArray[np.floating],
    columns: npt.NDArray[np.floating],
    groups: npt.NDArray[np.integer],
) -> Estimate:
    """Cross-validated R squared of the scores' ranks by the nuisances'.

    A ridge regression (penalty 1, on ranks from -1 to 1), because nuisances are correlated. The
    interval is that of a ratio of sums over groups, linearised (Cochran, "Sampling Techniques",
    1977, 6.4); it does not include that another sample would give another regression.

    Args:
        scores: float [v].
        columns: float [v, k], nuisances.
        groups: int [v].

    Returns:
        At most 1; 0 and below if the regression predicts no better than the mean.
    """
    reason = _too_little(groups) or _constant(scores, "scores")
    if reason:
        return Estimate(None, None, reason)
    target = _ranks(scores)
    predicted = cross_val_predict(
        Ridge(alpha=1.0), _ranks(columns), target, groups=groups, cv=GroupKFold(FOLDS)
    )
    squares = (target - target.mean()) ** 2
    unexplained = (target - predicted) ** 2
    ratio = unexplained.sum() / squares.sum()
    names, numbers = np.unique(groups, return_inverse=True)
    count = len(names)
    by_group = np.bincount(numbers.reshape(-1), unexplained - ratio * squares)
    deviation = np.sqrt(count / (count - 1) * np.sum(by_group**2)) / squares.sum()
    margin = float(t.ppf((1 + CONFIDENCE) / 2, count - 1) * deviation)
    value = float(1 - ratio)
    return Estimate(value, (value - margin, min(value + margin, 1.0)))


def label_auc(
    columns: npt.NDArray[np.floating],
    labels: npt.NDArray[np.int8],
    groups: npt.NDArray[np.integer],
) -> Estimate:
    """Cross-validated AUC of the label by nuisances alone.

    Args:
        columns: float [v, k], nuisances.
        labels: int8 [v], `data.contract.Label`.
        groups: int [v].

    Returns:
        0 to 1, of a logistic regression on held-out groups, all folds together. Below 0.5,
        nuisances tell nothing that holds in other folds.
    """
    for label in Label:
        reason = _too_little(groups[labels == label], f" of {label.name.lower()} videos")
        if reason:
            return Estimate(None, None, reason)
    logits = cross_val_predict(
        LogisticRegression(),
        _ranks(columns),
        labels,
        groups=groups,
        cv=StratifiedGroupKFold(FOLDS),
        method="decision_function",
    )
    return area_under_curve(logits, labels, groups)


def area_under_curve(
    scores: npt.NDArray[np.floating],
    labels: npt.NDArray[np.int8],
    groups: npt.NDArray[np.integer],
) -> Estimate:
    """Area under the ROC curve, with `models.evaluation.metrics.auc_interval`.

    Args:
        scores: float [v], larger for fakes.
        labels: int8 [v], `data.contract.Label`.
        groups: int [v].

    Returns:
        0 to 1.

    Example:
        >>> labels = np.array([0, 1, 0, 1])
        >>> area_under_curve(np.array([0.1, 0.8, 0.2, 0.9]), labels, np.arange(4)).value
        1.0
        >>> area_under_curve(np.array([0.1, 0.2]), np.array([0, 0]), np.arange(2)).reason
        'no fake video'
    """
    for label in Label:
        if not np.any(labels == label):
            return Estimate(None, None, f"no {label.name.lower()} video")
    value = float(roc_auc_score(labels, scores))
    return Estimate(value, auc_interval(scores, labels, groups, confidence=CONFIDENCE))


def _ranks(values: npt.NDArray[np.floating]) -> _Floats:
    """Ranks of each column, from -1 to 1; ties share theirs."""
    return 2 * (rankdata(values, axis=0) - 0.5) / len(values) - 1


def _too_little(groups: npt.NDArray[np.integer], of_what: str = "") -> str:
    count = len(np.unique(groups))
    return "" if count >= MIN_GROUPS else f"{count} source groups{of_what}, {MIN_GROUPS} needed"


def _constant(values: npt.NDArray[np.floating], what: str) -> str:
    return "" if np.ptp(values) > 0 else f"all {what} are the same"
