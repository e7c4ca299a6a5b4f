"""From video logits to calibrated probabilities and decision thresholds, on `eval` alone.

The same videos may serve for the calibrator and for the thresholds: thresholds are order statistics
of the scores, and a calibrator changes no order. A calibrator would look too good on the videos
that it was fitted to; so the reported log loss and calibration error are cross-fitted by source
group. One bias remains: early stopping keeps the network that is best on these very videos, which
makes error rates stated on them optimistic. A warning then says so; `test` has no such bias.
"""

import dataclasses

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from data.contract import Label
from models.calibration.calibrators import Temperature
from models.calibration.cross_fitting import cross_fitted_log_odds, fit_method
from models.calibration.decision import Decision
from models.calibration.thresholds import WIDE_BAND, fit_thresholds
from models.config import ServedConfig
from models.evaluation import Reliability, log_loss, reliability
from models.inputs import require_both_classes

ISOTONIC_VIDEOS = 500
"""Of each class, below which isotonic regression overfits: with fewer than 1,000 cases Platt's
method was the better (Niculescu-Mizil and Caruana, "Predicting Good Probabilities With
Supervised Learning", ICML 2005, section 5)."""


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What turns a logit into a probability and a verdict, and how well that was measured to work.

    Attributes:
        decision: the calibrator and the thresholds.
        log_loss: of the uncalibrated scores, nats, both classes weighing the same.
        calibrated_log_loss: the same, calibrated; each video by a calibrator fitted without its
            source group.
        reliability: of the uncalibrated probabilities.
        calibrated_reliability: the same, calibrated; cross-fitted likewise.
        warnings: what the reader of the verdicts must know; empty if all rates are stated, both
            verdicts occur, the method had enough videos and lowered the log loss, and early
            stopping had no choice.
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
    config: ServedConfig,
    *,
    evaluations: int,
) -> Calibration:
    """Fits the calibrator and the thresholds.

    Args:
        logits: float32 [v], video scores as the served model computes them.
        labels: int8 [v], `data.contract.Label`.
        groups: int32 [v], source groups.
        config: method of the calibrator, and the error rates that thresholds are chosen for.
        evaluations: on the same videos, of which early stopping and the search for
            hyper-parameters kept the best.

    Returns:
        The calibration. Its `warnings` name rates that the videos, or their source groups, are too
        few to state; they also say if the method had too few videos or raised the log loss, if a
        verdict never occurs, and if choosing by the same videos made the rates optimistic.

    Raises:
        UsageError: a class is missing.
    """
    require_both_classes(labels, "eval")
    scores = logits.astype(np.float64)
    calibrator = fit_method(config.calibration, scores, labels, groups)
    real_below, fake_above, warnings = fit_thresholds(scores, labels, groups, calibrator, config)
    if config.calibration == "isotonic":
        warnings += _isotonic_warnings(labels)
    if evaluations > 1:
        warnings.append(
            f"training kept the best of {evaluations} evaluations on the eval videos that "
            "set the thresholds: error rates stated on them are optimistic"
        )
    calibrated = cross_fitted_log_odds(config.calibration, scores, labels, groups)
    before, after = log_loss(scores, labels), log_loss(calibrated, labels)
    if after > before:
        warnings.append(
            f"{calibrator.method} calibration made log loss worse on eval videos it was not fitted "
            f"to: {after:.3f} after {before:.3f}; add eval videos, or set `calibration` to another "
            "method"
        )
    return Calibration(
        decision=Decision(calibrator, real_below, fake_above),
        log_loss=before,
        calibrated_log_loss=after,
        reliability=reliability(expit(scores), labels),
        calibrated_reliability=reliability(expit(calibrated), labels),
        warnings=tuple(warnings),
    )


def uncalibrated() -> tuple[Decision, str]:
    """The decision of a model that has no videos to be calibrated on, and a warning."""
    return Decision(Temperature(temperature=1.0), WIDE_BAND, 1 - WIDE_BAND), (
        "uncalibrated: probabilities are the network's own and state no error rate; the uncertain "
        "band is wide instead"
    )


def _isotonic_warnings(labels: npt.NDArray[np.int8]) -> list[str]:
    return [
        f"{count} {label.name.lower()} eval videos are too few for isotonic calibration "
        f"({ISOTONIC_VIDEOS} are needed): it follows their chance; set `calibration` to "
        "automatic"
        for label in Label
        if (count := np.sum(labels == label)) < ISOTONIC_VIDEOS
    ]
