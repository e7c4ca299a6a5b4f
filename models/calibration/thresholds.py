"""Thresholds of the verdicts, chosen for the error rates that a config allows."""

import math

import numpy as np
import numpy.typing as npt

from data.contract import Label
from models.calibration.calibrators import Calibrator
from models.config import ServedConfig

WIDE_BAND = 0.05
"""Where videos are too few to state a rate, only probabilities below this are called real, and only
those above 1 minus this fake."""


def fit_thresholds(
    scores: npt.NDArray[np.float64],
    labels: npt.NDArray[np.int8],
    groups: npt.NDArray[np.integer],
    calibrator: Calibrator,
    config: ServedConfig,
) -> tuple[float, float, list[str]]:
    """Chooses both thresholds.

    Args:
        scores: float64 [v], video scores.
        labels: int8 [v], `data.contract.Label`, of both classes.
        groups: int [v], source groups.
        calibrator: from scores to probabilities.
        config: its `false_positive_rate` and `false_negative_rate` are used.

    Returns:
        `real_below` and `fake_above`, probabilities, see `Decision`; and warnings: of rates that
        the source groups are too few to state, and of a class that never gets its verdict.
    """
    real, fake = labels == Label.REAL, labels == Label.FAKE
    false_positives, false_negatives = config.false_positive_rate, config.false_negative_rate
    highest_real, fake_stated = conformal_threshold(scores[real], groups[real], false_positives)
    # The same question with the sign turned: which score do few fakes fall below?
    negated, real_stated = conformal_threshold(-scores[fake], groups[fake], false_negatives)
    lowest_fake = -negated
    if lowest_fake > highest_real:
        # The classes lie apart: any cut between the two keeps both rates.
        lowest_fake = highest_real = (lowest_fake + highest_real) / 2
    ends = np.array([lowest_fake, highest_real])
    real_below, fake_above = map(float, calibrator.probability(ends))
    warnings = []
    if not fake_stated:
        fake_above = max(fake_above, 1 - WIDE_BAND)
        warnings.append(_too_few(Label.REAL, groups[real], false_positives))
    if not real_stated:
        real_below = min(real_below, WIDE_BAND)
        warnings.append(_too_few(Label.FAKE, groups[fake], false_negatives))
    # No video gets a verdict that is less likely than not; both error rates only fall by this.
    real_below, fake_above = min(real_below, 0.5), max(fake_above, 0.5)
    warnings += _missing_verdicts(scores, labels, calibrator, real_below, fake_above)
    return real_below, fake_above, warnings


def conformal_threshold(
    reals: npt.NDArray[np.float64], groups: npt.NDArray[np.integer], rate: float
) -> tuple[float, bool]:
    """Score above which at most `rate` of new sources' reals are called fake.

    Split conformal prediction's quantile where source groups, not videos, are exchangeable: the
    videos of each of k groups share a weight of 1 / (k + 1), and the rest is a new source's (Lee,
    Barber and Willett, "Distribution-free inference with hierarchical data", 2023). With one video
    a group it is the ceil((1 - rate)(k + 1))-th smallest score (Lei et al., JASA 2018, section 2).

    Args:
        reals: float64 [r], scores of real videos.
        groups: int [r], their source groups.
        rate: 0 to 1.

    Returns:
        The score, and whether the groups are enough to state the rate; if not, the score is the
        largest.

    Example:
        >>> scores = np.array([0.1, 0.4, 0.2, 0.9])
        >>> conformal_threshold(scores, np.arange(4), rate=0.2)
        (0.9, True)
        >>> conformal_threshold(scores, np.arange(4), rate=0.1)
        (0.9, False)
    """
    _, group, size = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(reals)
    reached = np.cumsum(1 / size[group[order]]) / (len(size) + 1)
    # Rounded: sums of fractions fall a little short of their exact value.
    place = int(np.searchsorted(np.round(reached, 9), round(1 - rate, 9)))
    stated = place < len(reals)
    return float(reals[order[place if stated else -1]]), stated


def _too_few(label: Label, groups: npt.NDArray[np.integer], rate: float) -> str:
    needed = math.ceil(round(1 / rate - 1, 9))
    return (
        f"{len(groups)} {label.name.lower()} eval videos of {len(np.unique(groups))} source groups "
        f"are too few to state an error rate of {rate:g} ({needed} groups are needed): the "
        "uncertain band is wide instead"
    )


def _missing_verdicts(
    scores: npt.NDArray[np.float64],
    labels: npt.NDArray[np.int8],
    calibrator: Calibrator,
    real_below: float,
    fake_above: float,
) -> list[str]:
    """Warnings of a verdict that not one eval video rightly gets."""
    probabilities = calibrator.probability(scores)
    cure = {
        "temperature": "set `calibration` to platt if all scores are off to one side, or ",
        "isotonic": "set `calibration` to automatic, or ",
    }.get(calibrator.method, "")
    highest = probabilities[labels == Label.FAKE].max()
    lowest = probabilities[labels == Label.REAL].min()
    return [
        f"none of the {label.name.lower()} eval videos is called {label.name.lower()}: their "
        f"{calibrator.method}-calibrated probabilities end at {end:.3f}, and the threshold is "
        f"{threshold:.3f}; {cure}add eval videos"
        for label, never, end, threshold in (
            (Label.FAKE, highest <= fake_above, highest, fake_above),
            (Label.REAL, lowest >= real_below, lowest, real_below),
        )
        if never
    ]
