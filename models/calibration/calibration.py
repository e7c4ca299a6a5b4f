"""From video logits to calibrated probabilities and decision thresholds, on `eval` alone.

The mapping to probabilities and the thresholds do not feed on each other: thresholds are order
statistics of the scores, and a mapping changes no order, so the same videos may serve for both.
A mapping judged on the videos that it was fitted to would feed on itself; the reported log
loss and calibration error are therefore cross-fitted by source group. One thing does feed on
itself: early stopping keeps the network that is best on these very videos, so that error rates
stated on them are optimistic if it had a choice. A warning then says so; figures free of it are
those of `test`.
"""

import dataclasses
import math

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from data.contract import Label
from models.calibration.calibrators import ProbabilityMapping, Temperature
from models.calibration.cross_fitting import fold_of_groups
from models.calibration.decision import Decision
from models.calibration.mapping_fit import fit_mapping
from models.config.served import CalibrationMethod
from models.evaluation.metrics import Reliability, log_loss, reliability
from models.inputs.crop_source import require_both_classes

WIDE_BAND = 0.05
"""Where videos are too few to state a rate, nothing less sure than this is called real or fake."""

ISOTONIC_VIDEOS = 500
"""Of each class, below which isotonic regression overfits: with fewer than 1,000 cases Platt's
method was the better (Niculescu-Mizil and Caruana, "Predicting Good Probabilities With
Supervised Learning", ICML 2005, section 5)."""


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What turns a logit into a probability and a verdict, and how well that was measured to work.

    Attributes:
        decision: the mapping to probabilities and the thresholds.
        log_loss: of the uncalibrated scores, nats, both classes weighing the same.
        calibrated_log_loss: the same, calibrated; each video by a mapping fitted without its
            source group.
        reliability: of the uncalibrated probabilities.
        calibrated_reliability: the same, calibrated; cross-fitted likewise.
        warnings: what the reader of the verdicts must know; empty if all rates are stated, both
            verdicts are given, the method had enough videos and early stopping had no choice.
    """

    decision: Decision
    log_loss: float
    calibrated_log_loss: float
    reliability: Reliability
    calibrated_reliability: Reliability
    warnings: tuple[str, ...] = ()


def calibrate(
    logits: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int8],
    groups: npt.NDArray[np.int32],
    *,
    method: CalibrationMethod,
    false_positive_rate: float,
    false_negative_rate: float,
    evaluations: int,
) -> Calibration:
    """Fits the mapping and the thresholds.

    Args:
        logits: float32 [v], video scores as the served model computes them.
        labels: int8 [v], `data.contract.Label`.
        groups: int32 [v], source groups.
        method: of the mapping.
        false_positive_rate: share of reals that may be called fake.
        false_negative_rate: share of fakes that may be called real.
        evaluations: on the same videos, of which early stopping and the search for
            hyper-parameters kept the best.

    Returns:
        The calibration; its `warnings` name the rates that the videos, or their source groups,
        are too few to state, say if the method had too few videos or leaves a verdict out, and
        if choosing by the same videos made the rates optimistic.

    Raises:
        UsageError: a class is missing.
    """
    require_both_classes(labels, "eval")
    scores = logits.astype(np.float64)
    mapping = fit_mapping(method, scores, labels)
    real_below, fake_above, warnings = _thresholds(
        scores, labels, groups, mapping, false_positive_rate, false_negative_rate
    )
    warnings += _missing_verdicts(scores, labels, mapping, real_below, fake_above)
    if method == "isotonic":
        warnings += _isotonic_warnings(labels)
    if evaluations > 1:
        warnings.append(
            f"training kept the best of {evaluations} evaluations on the eval videos that "
            "set the thresholds: error rates stated on them are optimistic"
        )
    calibrated = _cross_fitted_log_odds(method, scores, labels, groups)
    return Calibration(
        decision=Decision(mapping, real_below, fake_above),
        log_loss=log_loss(scores, labels),
        calibrated_log_loss=log_loss(calibrated, labels),
        reliability=reliability(expit(scores), labels),
        calibrated_reliability=reliability(expit(calibrated), labels),
        warnings=tuple(warnings),
    )


def uncalibrated() -> tuple[Decision, str]:
    """What stands in for a calibration where there are no videos to fit one to, and a warning."""
    return Decision(Temperature(temperature=1.0), WIDE_BAND, 1 - WIDE_BAND), (
        "uncalibrated: probabilities are the network's own and state no error rate; the uncertain "
        "band is wide instead"
    )


def _thresholds(
    scores: npt.NDArray[np.float64],
    labels: npt.NDArray[np.int8],
    groups: npt.NDArray[np.int32],
    mapping: ProbabilityMapping,
    false_positive_rate: float,
    false_negative_rate: float,
) -> tuple[float, float, list[str]]:
    """`real_below`, `fake_above` and warnings, of scores [v]."""
    real, fake = labels == Label.REAL, labels == Label.FAKE
    highest_real, fake_stated = _fake_threshold(scores[real], groups[real], false_positive_rate)
    # The same question with the sign turned: which score do few fakes fall below?
    negated, real_stated = _fake_threshold(-scores[fake], groups[fake], false_negative_rate)
    lowest_fake = -negated
    if lowest_fake > highest_real:
        # The classes lie apart: any cut between the two keeps both rates.
        lowest_fake = highest_real = (lowest_fake + highest_real) / 2
    ends = np.array([lowest_fake, highest_real])
    real_below, fake_above = map(float, mapping.probability(ends))
    warnings = []
    if not fake_stated:
        fake_above = max(fake_above, 1 - WIDE_BAND)
        warnings.append(_too_few(Label.REAL, groups[real], false_positive_rate))
    if not real_stated:
        real_below = min(real_below, WIDE_BAND)
        warnings.append(_too_few(Label.FAKE, groups[fake], false_negative_rate))
    # Nothing is called what it is less likely to be; both error rates only fall.
    return min(real_below, 0.5), max(fake_above, 0.5), warnings


def _missing_verdicts(
    scores: npt.NDArray[np.float64],
    labels: npt.NDArray[np.int8],
    mapping: ProbabilityMapping,
    real_below: float,
    fake_above: float,
) -> list[str]:
    """Warnings of a verdict that not one eval video is rightly given."""
    probabilities = mapping.probability(scores)
    cure = {
        "temperature": "set `calibration` to platt if all scores are off to one side, or ",
        "isotonic": "set `calibration` to temperature, or ",
    }.get(mapping.method, "")
    highest = probabilities[labels == Label.FAKE].max()
    lowest = probabilities[labels == Label.REAL].min()
    return [
        f"none of the {label.name.lower()} eval videos is called {label.name.lower()}: their "
        f"{mapping.method}-calibrated probabilities end at {end:.3f}, and the threshold is "
        f"{threshold:.3f}; {cure}add eval videos"
        for label, never, end, threshold in (
            (Label.FAKE, highest <= fake_above, highest, fake_above),
            (Label.REAL, lowest >= real_below, lowest, real_below),
        )
        if never
    ]


def _fake_threshold(
    reals: npt.NDArray[np.float64], groups: npt.NDArray[np.int32], rate: float
) -> tuple[float, bool]:
    """Score above which at most `rate` of new sources' reals are called fake.

    Split conformal prediction's quantile where source groups, not videos, are exchangeable: the
    videos of each of k groups share a weight of 1 / (k + 1), and the rest is a new source's (Lee,
    Barber and Willett, "Distribution-free inference with hierarchical data", 2023). With one video
    a group it is the ceil((1 - rate)(k + 1))-th smallest score (Lei et al., JASA 2018, section 2).

    Returns:
        The score, and whether the groups are enough to state the rate; if not, the score is the
        largest.
    """
    _, group, size = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(reals)
    reached = np.cumsum(1 / size[group[order]]) / (len(size) + 1)
    # Rounded: sums of fractions fall a little short of what they come to.
    place = int(np.searchsorted(np.round(reached, 9), round(1 - rate, 9)))
    stated = place < len(reals)
    return float(reals[order[place if stated else -1]]), stated


def _too_few(label: Label, groups: npt.NDArray[np.int32], rate: float) -> str:
    needed = math.ceil(round(1 / rate - 1, 9))
    return (
        f"{len(groups)} {label.name.lower()} eval videos of {len(np.unique(groups))} source groups "
        f"are too few to state an error rate of {rate:g} ({needed} groups are needed): the "
        "uncertain band is wide instead"
    )


def _isotonic_warnings(labels: npt.NDArray[np.int8]) -> list[str]:
    return [
        f"{count} {label.name.lower()} eval videos are too few for isotonic calibration "
        f"({ISOTONIC_VIDEOS} are needed): it follows their chance; set `calibration` to "
        "temperature"
        for label in Label
        if (count := np.sum(labels == label)) < ISOTONIC_VIDEOS
    ]


def _cross_fitted_log_odds(
    method: CalibrationMethod,
    logits: npt.NDArray[np.float64],
    labels: npt.NDArray[np.int8],
    groups: npt.NDArray[np.int32],
) -> npt.NDArray[np.float64]:
    """Calibrated log odds [v] of each fold of source groups by the mapping of the others.

    Where the others lack a class there is nothing to fit, and the fold stays uncalibrated.
    """
    fold = fold_of_groups(groups)
    calibrated = np.empty_like(logits)
    for number in np.unique(fold):
        held_out = fold == number
        rest = ~held_out
        mapping: ProbabilityMapping = Temperature(temperature=1.0)
        if len(np.unique(labels[rest])) == len(Label):
            mapping = fit_mapping(method, logits[rest], labels[rest])
        calibrated[held_out] = mapping.log_odds(logits[held_out])
    return calibrated
