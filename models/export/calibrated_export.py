"""The last step of every model: calibrate it on `eval`, report how well, and export it."""

from collections.abc import Callable, Mapping, Sequence
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


def export_calibrated(
    scorer: Scorer,
    logits: npt.NDArray[np.float32],
    index: CropIndex,
    config: ServedConfig,
    *,
    transform: TransformFeatures,
    folder: str,
    run_folder: str,
    evaluations: int,
    card: Mapping[str, Any],
    say: Callable[[str], None],
    warnings: Sequence[str] = (),
) -> None:
    """Calibrates a scorer on its video scores and writes it as a served model.

    Args:
        scorer: in float32.
        logits: float32 [v], its scores of the videos of `eval`, as `serving_examples` computes
            them from all their crops.
        index: of `eval`.
        config: its served name and scope, and how it is calibrated.
        transform: Transform's features.
        folder: receives the SavedModel.
        run_folder: receives `reliability.png`; exists.
        evaluations: on `eval`, of which the best was kept.
        card: further content of `model.json`.
        say: prints a message.
        warnings: for the reader of `model.json`, besides those of the calibration.
    """
    calibration = calibrate(logits, index.label, index.group, config, evaluations=evaluations)
    metrics = _metrics(calibration, logits, index)
    all_warnings = [*calibration.warnings, *warnings]
    for warning in all_warnings:
        say(f"warning: {warning}")
    say(
        f"eval AUC {metrics['auc']:.3f}, {calibration.decision.calibrator.method} calibration, "
        f"expected calibration error {metrics['expected_calibration_error']:.3f} before and "
        f"{metrics['calibrated_expected_calibration_error']:.3f} after, real below "
        f"{calibration.decision.real_below:.3f}, fake above {calibration.decision.fake_above:.3f}"
    )
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
            "warnings": all_warnings,
            "eval_metrics": metrics,
            "evaluations": evaluations,
            **card,
        },
    )


def _metrics(
    calibration: Calibration, logits: npt.NDArray[np.float32], index: CropIndex
) -> dict[str, Any]:
    """Figures for `model.json`, of the split that the model was chosen and calibrated on."""
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
