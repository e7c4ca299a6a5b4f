"""How well video scores tell fakes from reals, and how far their probabilities can be believed.

Both classes weigh the same in everything here, however many videos each has: that a dataset has
four fakes a real says nothing about how common fakes are where a model will be used.
"""

import dataclasses

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit, log_expit, logit
from scipy.stats import norm
from sklearn.utils.class_weight import compute_sample_weight

from data.contract import Label

RELIABILITY_BINS = 15
"""Of equal width, as in Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017)."""


def log_loss(log_odds: npt.NDArray[np.floating], labels: npt.NDArray[np.int8]) -> float:
    """Mean log loss, both classes weighing the same.

    Args:
        log_odds: float [v], of being fake.
        labels: int8 [v], `data.contract.Label`, of both classes.

    Returns:
        Nats.

    Example:
        >>> round(log_loss(np.array([-2.0, 0.0, 2.0]), np.array([0, 1, 1])), 3)
        0.268
    """
    scores = log_odds.astype(np.float64)
    losses = -np.where(labels == Label.FAKE, log_expit(scores), log_expit(-scores))
    return float(np.average(losses, weights=compute_sample_weight("balanced", labels)))


@dataclasses.dataclass(frozen=True, eq=False)
class Reliability:
    """Probabilities against what came true, in `RELIABILITY_BINS` bins of equal width.

    A bin holds its upper edge; the first holds 0 too.

    Attributes:
        reals: int64 [bins], real videos with a probability in the bin.
        fakes: int64 [bins], fake videos.
        probability: float64 [bins], mean probability of the bin's videos, both classes
            weighing the same over all bins; NaN where there are none.
    """

    reals: npt.NDArray[np.int64]
    fakes: npt.NDArray[np.int64]
    probability: npt.NDArray[np.float64]

    @property
    def weight(self) -> npt.NDArray[np.float64]:
        """Share of all videos in each bin, float64 [bins], both classes weighing the same."""
        return (self.reals / self.reals.sum() + self.fakes / self.fakes.sum()) / 2

    @property
    def fake_share(self) -> npt.NDArray[np.float64]:
        """Share of fakes in each bin, float64 [bins], weighted likewise; NaN where empty."""
        with np.errstate(invalid="ignore"):
            return self.fakes / self.fakes.sum() / 2 / self.weight

    @property
    def expected_calibration_error(self) -> float:
        """Mean distance of probability and share of fakes, 0 to 1.

        Naeini et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning" (AAAI
        2015): of the probability of being fake, not, as Guo et al. do for many classes, of the
        likelier class, where errors at 0.1 and at 0.9 would cancel out.
        """
        return float(np.nansum(self.weight * np.abs(self.probability - self.fake_share)))


def reliability(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.int8]
) -> Reliability:
    """Bins probabilities of being fake.

    Args:
        probabilities: float [v], 0 to 1.
        labels: int8 [v], `data.contract.Label`, of both classes.

    Example:
        >>> bins = reliability(np.array([0.1, 0.9, 0.9]), np.array([0, 1, 1]))
        >>> round(bins.expected_calibration_error, 3)
        0.1
    """
    # Right-closed, as Guo et al. define them.
    bins = np.clip(np.ceil(probabilities * RELIABILITY_BINS).astype(int) - 1, 0, None)
    weights = compute_sample_weight("balanced", labels)

    def total(values: npt.NDArray) -> npt.NDArray:
        return np.bincount(bins, weights=values, minlength=RELIABILITY_BINS)

    with np.errstate(invalid="ignore"):
        probability = total(weights * probabilities) / total(weights)
    return Reliability(
        reals=total(labels == Label.REAL).astype(np.int64),
        fakes=total(labels == Label.FAKE).astype(np.int64),
        probability=probability,
    )


def auc_interval(
    scores: npt.NDArray[np.floating],
    labels: npt.NDArray[np.int8],
    groups: npt.NDArray[np.integer],
    *,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Confidence interval of the area under the ROC curve, where videos come in source groups.

    DeLong's variance as Obuchowski extends it to clusters, which may hold both classes
    ("Nonparametric Analysis of Clustered ROC Curve Data", Biometrics 1997), on the scale of
    log odds (Pepe, "The Statistical Evaluation of Medical Tests", 2003, 5.2.4), so that it
    stays within 0 and 1. A perfect AUC has no spread to estimate that from: there Newcombe's
    score interval (method 5 of "Confidence intervals for an effect size measure based on the
    Mann-Whitney statistic, part 2", Statistics in Medicine 2006), with groups for videos.

    Not the bootstrap over groups, which is random, and near 1 too narrow: in simulations of
    10 to 60 groups with 1 to 4 fakes a real and AUCs of 0.86 to 0.99, these intervals of 95 %
    held the truth in 91 to 98 % of cases, the bootstrap's in 49 to 94 %.

    Args:
        scores: float [v], larger for fakes.
        labels: int8 [v], `data.contract.Label`, of both classes.
        groups: int [v], source groups; videos of different groups are independent.
        confidence: share of such intervals that hold the true AUC, within 0 and 1.

    Returns:
        Lower and upper end, 0 to 1.

    Example:
        >>> scores, labels = np.array([-2, -1, 0, 1, 2, 3]), np.array([0, 0, 1, 0, 1, 1])
        >>> low, high = auc_interval(scores, labels, groups=np.arange(6))
        >>> round(low, 2), round(high, 2)
        (0.26, 0.99)
    """
    is_fake = labels == Label.FAKE
    fake_groups, real_groups = groups[is_fake], groups[~is_fake]
    counts = len(np.unique(fake_groups)), len(np.unique(real_groups))
    fake_placements, real_placements = _placements(scores[is_fake], scores[~is_fake])
    auc = float(fake_placements.mean())
    quantile = float(norm.ppf((1 + confidence) / 2))
    variance = 0.0
    if min(counts) > 1:
        variance = _clustered_variance(
            fake_placements - auc, real_placements - auc, fake_groups, real_groups
        )
    if variance <= 0:
        return _newcombe_interval(auc, *counts, quantile)
    margin = quantile * variance**0.5 / (auc * (1 - auc))
    return float(expit(logit(auc) - margin)), float(expit(logit(auc) + margin))


def _placements(
    fakes: npt.NDArray[np.floating], reals: npt.NDArray[np.floating]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Share of reals below each fake, and of fakes above each real; a tie is half of one."""

    def below(
        values: npt.NDArray[np.floating], others: npt.NDArray[np.floating]
    ) -> npt.NDArray[np.float64]:
        others = np.sort(others)
        less = np.searchsorted(others, values, side="left")
        not_more = np.searchsorted(others, values, side="right")
        return (less + not_more) / (2 * len(others))

    return below(fakes, reals), 1 - below(reals, fakes)


def _clustered_variance(
    fakes: npt.NDArray[np.float64],
    reals: npt.NDArray[np.float64],
    fake_groups: npt.NDArray[np.integer],
    real_groups: npt.NDArray[np.integer],
) -> float:
    """Variance of the AUC from placements less their mean; Obuchowski's equations."""
    names, numbers = np.unique(np.concatenate([fake_groups, real_groups]), return_inverse=True)
    numbers = numbers.reshape(-1)
    of_fakes, of_reals = np.split(numbers, [len(fakes)])

    # Each group's part of the AUC's error.
    fake_sums = np.bincount(of_fakes, fakes, len(names)) / len(fakes)
    real_sums = np.bincount(of_reals, reals, len(names)) / len(reals)

    def correction(count: int) -> float:
        return count / (count - 1)

    return float(
        correction(len(np.unique(of_fakes))) * np.sum(fake_sums**2)
        + correction(len(np.unique(of_reals))) * np.sum(real_sums**2)
        + correction(len(names)) * 2 * np.sum(fake_sums * real_sums)
    )


def _newcombe_interval(auc: float, fakes: int, reals: int, quantile: float) -> tuple[float, float]:
    """All AUCs within `quantile` of their own standard deviations of the observed one."""

    def excess(true: float) -> float:
        spread = (fakes + reals) / 2 - 1
        shape = 1 + spread * ((1 - true) / (2 - true) + true / (1 + true))
        return (auc - true) ** 2 - quantile**2 * true * (1 - true) * shape / (fakes * reals)

    # At 0 and at 1 the true AUC would have no spread: a root that is no end of the interval.
    inside = min(max(auc, 1e-9), 1 - 1e-9)
    low = 0.0 if auc == 0 else float(brentq(excess, 0.0, inside))
    high = 1.0 if auc == 1 else float(brentq(excess, inside, 1.0))
    return low, high
