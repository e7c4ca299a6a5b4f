"""The last step of every model: calibrate it on `eval`, report how well, and export it."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from models.calibration import Calibration, calibrate, draw_reliability
from models.config import ServedConfig
from models.evaluation import auc_interval
from models.export.saved_model import export
from models.export.served_model import ServedModel
from models.inputs import CropIndex
from models.scoring import Scorer
from models.transform import TransformFeatures


@dataclasses.dataclass(frozen=True)
class EvalScores:
    """A model's scores of the v videos of `eval`, and what makes them look too good.

    Attributes:
        logits: float32 [v], as `serving_examples` computes them from all crops of a video.
        index: of `eval`.
        evaluations: on `eval`, of which the best was kept.
        warnings: for the reader of `model.json`, besides those of the calibration.
    """

    logits: npt.NDArray[np.float32]
    index: CropIndex
    evaluations: int
    warnings: Sequence[str] = ()


def export_calibrated(
    scorer: Scorer,
    scores: EvalScores,
    config: ServedConfig,
    transform: TransformFeatures,
    *,
    folder: str,
    run_folder: str,
    card: Mapping[str, Any],
) -> list[str]:
    """Calibrates a scorer on its video scores and writes it as a served model.

    Args:
        scorer: in float32.
        scores: its own, which it is calibrated on.
        config: its served name and scope, and how it is calibrated.
        transform: Transform's features.
        folder: receives the SavedModel.
        run_folder: receives `reliability.png`; exists.
        card: further content of `model.json`.

    Returns:
        Messages to print: the warnings, then how well the model is calibrated.

    Raises:
        UsageError: `eval` lacks a class.
    """
    index = scores.index
    calibration = calibrate(
        scores.logits, index.label, index.group, config, evaluations=scores.evaluations
    )
    metrics = _metrics(calibration, scores)
    warnings = [*calibration.warnings, *scores.warnings]
    with tf.io.gfile.GFile(f"{run_folder}/reliability.png", "wb") as file:
        file.write(
            draw_reliability(f"{config.name} on {metrics['videos']} eval videos", calibration)
        )
    export(
        ServedModel(
            scorer,
            calibration.decision,
            track_length=config.track_length,
            transform=transform,
            scope=config.scope,
        ),
        folder,
        name=config.name,
        card={
            **calibration.decision.to_json(),
            "warnings": warnings,
            "eval_metrics": metrics,
            "evaluations": scores.evaluations,
            **card,
        },
    )
    return [
        *(f"warning: {warning}" for warning in warnings),
        f"eval AUC {metrics['auc']:.3f}, {calibration.decision.calibrator.method} calibration, "
        f"expected calibration error {metrics['expected_calibration_error']:.3f} before and "
        f"{metrics['calibrated_expected_calibration_error']:.3f} after, real below "
        f"{calibration.decision.real_below:.3f}, fake above {calibration.decision.fake_above:.3f}",
    ]


def _metrics(calibration: Calibration, scores: EvalScores) -> dict[str, Any]:
    """Figures for `model.json`, of the split that the model was chosen and calibrated on."""
    logits, index = scores.logits, scores.index
    return {
        "auc": float(roc_auc_score(index.label, logits)),
        "auc_interval": list(auc_interval(logits, index.label, index.group)),
        "log_loss": calibration.log_loss,
        "calibrated_log_loss": calibration.calibrated_log_loss,
        "expected_calibration_error": calibration.reliability.expected_calibration_error,
        "calibrated_expected_calibration_error": (
            calibration.calibrated_reliability.expected_calibration_error
        ),
        "videos": len(index.label),
    }
