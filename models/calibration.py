"""From video logits to calibrated probabilities and decision thresholds, on `eval` alone.

The temperature and the thresholds do not feed on each other: thresholds are order statistics
of the scores, and a temperature changes no order, so the same videos may serve for both. A
temperature judged on the videos that it was fitted to would feed on itself; the reported log
loss is therefore cross-fitted by source group. One thing does feed on itself: early stopping
keeps the network that is best on these very videos, so that error rates stated on them are
optimistic if it had a choice. A warning then says so; figures free of it are those of `test`.
"""

import dataclasses
import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, logit

from data.contract import Label
from models.crop_store import require_both_classes

TEMPERATURE_BOUNDS = (0.05, 20.0)
WIDE_BAND = 0.05
"""Where videos are too few to state a rate, nothing less sure than this is called real or fake."""

_FOLDS = 5


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What turns a logit into a probability and a verdict.

    Attributes:
        temperature: a probability is the logistic function of logit / temperature.
        real_below: probabilities under this are called real; at most 0.5.
        fake_above: probabilities over this are called fake; at least 0.5. What lies between
            the two, both included, is uncertain.
        log_loss: of the uncalibrated scores, nats, both classes weighing the same.
        calibrated_log_loss: the same, calibrated; each video by a temperature fitted without
            its source group.
        warnings: what the reader of the verdicts must know; empty if all rates are stated
            and early stopping had no choice.
    """

    temperature: float
    real_below: float
    fake_above: float
    log_loss: float
    calibrated_log_loss: float
    warnings: tuple[str, ...] = ()


def calibrate(
    logits: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int8],
    groups: npt.NDArray[np.int32],
    *,
    false_positive_rate: float,
    false_negative_rate: float,
    evaluations: int,
) -> Calibration:
    """Fits temperature and thresholds.

    Args:
        logits: float32 [v], video scores as the served model computes them.
        labels: int8 [v], `data.contract.Label`.
        groups: int32 [v], source groups.
        false_positive_rate: share of reals that may be called fake.
        false_negative_rate: share of fakes that may be called real.
        evaluations: on the same videos, of which early stopping kept the best.

    Returns:
        The calibration; its `warnings` name the rates that the videos are too few to state,
        and say if early stopping made the others optimistic.

    Raises:
        UsageError: a class is missing.
    """
    require_both_classes(labels, "eval")
    scores = logits.astype(np.float64)
    temperature = fit_temperature(scores, labels)
    fake_above, fake_stated = _fake_threshold(scores[labels == Label.REAL], false_positive_rate)
    # The same question with the sign turned: which score do few fakes fall below?
    negated, real_stated = _fake_threshold(-scores[labels == Label.FAKE], false_negative_rate)
    real_below = -negated
    messages = []
    for stated, label, rate in (
        (fake_stated, Label.REAL, false_positive_rate),
        (real_stated, Label.FAKE, false_negative_rate),
    ):
        if not stated:
            messages.append(
                f"{np.sum(labels == label)} {label.name.lower()} eval videos are too few to state "
                f"an error rate of {rate:g} ({_videos_needed(rate)} are needed): the uncertain "
                "band is wide instead"
            )
    if evaluations > 1:
        messages.append(
            f"early stopping kept the best of {evaluations} evaluations on the eval videos that "
            "set the thresholds: error rates stated on them are optimistic"
        )
    if not fake_stated:
        fake_above = max(fake_above, temperature * float(logit(1 - WIDE_BAND)))
    if not real_stated:
        real_below = min(real_below, temperature * float(logit(WIDE_BAND)))
    if real_below > fake_above:
        # The classes lie apart: any cut between the two keeps both rates.
        real_below = fake_above = (real_below + fake_above) / 2
    # Nothing is called what it is less likely to be; both error rates only fall.
    real_below, fake_above = min(real_below, 0.0), max(fake_above, 0.0)
    return Calibration(
        temperature=temperature,
        real_below=float(expit(real_below / temperature)),
        fake_above=float(expit(fake_above / temperature)),
        log_loss=log_loss(scores, labels),
        calibrated_log_loss=_cross_fitted_log_loss(scores, labels, groups),
        warnings=tuple(messages),
    )


def uncalibrated() -> Calibration:
    """What stands in for a calibration where there are no videos to fit one to.

    Returns:
        Temperature 1 and the wide band; the log losses are NaN, for nothing was measured.
    """
    return Calibration(
        temperature=1.0,
        real_below=WIDE_BAND,
        fake_above=1 - WIDE_BAND,
        log_loss=math.nan,
        calibrated_log_loss=math.nan,
        warnings=(
            "uncalibrated: probabilities are the network's own and state no error rate; the "
            "uncertain band is wide instead",
        ),
    )


def fit_temperature(logits: npt.NDArray[np.float64], labels: npt.NDArray[np.int8]) -> float:
    """Temperature of least log loss, both classes weighing the same, with Platt's targets.

    Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017). Platt's targets,
    (n + 1) / (n + 2) instead of 1 and 1 / (n + 2) instead of 0 for classes of n videos, keep
    it finite where the classes are separated ("Probabilistic Outputs for Support Vector
    Machines", 1999).

    Args:
        logits: float64 [v].
        labels: int8 [v].

    Returns:
        A number within `TEMPERATURE_BOUNDS`; 1 if a class is missing.
    """
    fakes, reals = np.sum(labels == Label.FAKE), np.sum(labels == Label.REAL)
    if not fakes or not reals:
        return 1.0
    weights = _class_weights(labels)
    targets = np.where(labels == Label.FAKE, (fakes + 1) / (fakes + 2), 1 / (reals + 2))

    def loss(log_temperature: float) -> float:
        return _cross_entropy(logits / math.exp(log_temperature), targets, weights)

    low, high = TEMPERATURE_BOUNDS
    fit = minimize_scalar(loss, bounds=(math.log(low), math.log(high)), method="bounded")
    return float(math.exp(fit.x))


def _fake_threshold(reals: npt.NDArray[np.float64], rate: float) -> tuple[float, bool]:
    """Score above which at most `rate` of new reals are called fake.

    Split conformal prediction's quantile: for exchangeable videos the chance that a new one
    scores above the ceil((1 - rate)(n + 1))-th smallest of n is at most `rate` (Vovk et al.,
    "Algorithmic Learning in a Random World", 2005; Lei et al., JASA 2018, section 2).

    Returns:
        The score, and whether the reals are enough to state the rate; if not, the score is
        the largest of them.
    """
    rank = _conformal_rank(len(reals), rate)
    stated = rank <= len(reals)
    return float(np.sort(reals)[min(rank, len(reals)) - 1]), stated


def _conformal_rank(count: int, rate: float) -> int:
    # Rounded first: 0.95 * 20 is a little more than 19 in floating point.
    return math.ceil(round((1 - rate) * (count + 1), 9))


def _videos_needed(rate: float) -> int:
    return math.ceil(round(1 / rate - 1, 9))


def _cross_fitted_log_loss(
    logits: npt.NDArray[np.float64],
    labels: npt.NDArray[np.int8],
    groups: npt.NDArray[np.int32],
) -> float:
    """Log loss of each fold of source groups by the temperature fitted to the others."""
    fold = np.unique(groups, return_inverse=True)[1].reshape(-1) % _FOLDS
    calibrated = np.empty_like(logits)
    for number in np.unique(fold):
        held_out = fold == number
        rest = ~held_out
        temperature = fit_temperature(logits[rest], labels[rest])
        calibrated[held_out] = logits[held_out] / temperature
    return log_loss(calibrated, labels)


def log_loss(logits: npt.NDArray[np.floating], labels: npt.NDArray[np.int8]) -> float:
    """Mean log loss of logits [v] of videos with labels [v], both classes weighing the same.

    Args:
        logits: float [v].
        labels: int8 [v], of both classes.

    Returns:
        Nats.
    """
    targets = labels.astype(np.float64)
    return _cross_entropy(logits.astype(np.float64), targets, _class_weights(labels))


def _class_weights(labels: npt.NDArray[np.int8]) -> npt.NDArray[np.float64]:
    """Weights [v] by which both classes among labels [v] count the same, 1 on average."""
    fakes = np.mean(labels == Label.FAKE)
    return 0.5 / np.where(labels == Label.FAKE, fakes, 1.0 - fakes)


def _cross_entropy(
    logits: npt.NDArray[np.float64],
    targets: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
) -> float:
    losses = -(targets * log_expit(logits) + (1 - targets) * log_expit(-logits))
    return float(np.average(losses, weights=weights))
