"""`run_fn`, the TFX Trainer's entry: crops, training, calibration, export."""

import csv
import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import keras
import numpy as np
import pydantic
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from data.errors import UsageError
from models import classifier
from models.calibration import Calibration, calibrate
from models.config import ModelConfig
from models.crop_store import CropStore
from models.export import export
from models.metrics import auc_interval
from models.precision import choose
from models.progress import TrainingProgress
from models.reliability_picture import paint
from models.scoring import inference, score_videos
from models.served_model import ServedModel
from models.trainer import Evaluation, train
from models.transform_features import TransformFeatures


class TrainerArguments(Protocol):
    """What is used of TFX's `FnArgs`.

    Attributes:
        train_files: patterns of the training split's files, gzipped TFRecords of Examples.
        eval_files: patterns of the eval split's.
        transform_output: folder that Transform wrote.
        serving_model_dir: receives the SavedModel.
        model_run_dir: receives `history.csv`, the evaluations during training, and
            `reliability.png`, what calibration did on `eval`.
        custom_config: `model`, a `ModelConfig` as JSON; `code_hash`, of the code that made
            the model; `metadata`, a mapping that `model.json` repeats.
    """

    train_files: Sequence[str]
    eval_files: Sequence[str]
    transform_output: str
    serving_model_dir: str
    model_run_dir: str
    custom_config: Mapping[str, Any]


def run_fn(fn_args: TrainerArguments) -> None:
    """Trains, calibrates and exports one model.

    Args:
        fn_args: from TFX, or anything with the same attributes.

    Raises:
        UsageError: the configuration is wrong, weights cannot be had, or a split lacks a class.
        models.trainer.TrainingError: the loss or a score on `eval` is no longer a number.
    """
    config = _parse_config(fn_args.custom_config["model"])
    precision = choose(config.precision)
    progress = TrainingProgress(config.name, config.steps, 2 * config.batch_size)
    progress.say(f"precision {precision.policy}: {precision.reason}")
    transform = TransformFeatures(fn_args.transform_output)
    network = classifier.build(config, precision.policy, weights=config.weights)
    with (
        tempfile.TemporaryDirectory(prefix="unmask-crops-") as folder,
        CropStore.write(fn_args.train_files, f"{folder}/train", transform) as train_store,
        CropStore.write(fn_args.eval_files, f"{folder}/eval", transform) as eval_store,
    ):
        for split, store in (("train", train_store), ("eval", eval_store)):
            videos, crops = len(store.index.label), len(store.index.offset)
            progress.say(f"{split}: {videos} videos, {crops} crops")
        history = train(network, train_store, eval_store, config, precision, progress)
        # From here on the network as it is served: in float32.
        network = classifier.in_float32(network, config)
        calibration, metrics = _calibrate(network, eval_store, config, len(history))
        fingerprint = {"train": train_store.fingerprint, "eval": eval_store.fingerprint}
    for warning in calibration.warnings:
        progress.say(f"warning: {warning}")
    progress.say(
        f"eval AUC {metrics['auc']:.3f}, {calibration.mapping.method} calibration, expected "
        f"calibration error {metrics['expected_calibration_error']:.3f} before and "
        f"{metrics['calibrated_expected_calibration_error']:.3f} after, real below "
        f"{calibration.real_below:.3f}, fake above {calibration.fake_above:.3f}"
    )
    _write_history(fn_args.model_run_dir, history)
    with tf.io.gfile.GFile(f"{fn_args.model_run_dir}/reliability.png", "wb") as file:
        file.write(paint(f"{config.name} on {metrics['videos']} eval videos", calibration))
    export(
        ServedModel(network, calibration, track_length=config.track_length, transform=transform),
        fn_args.serving_model_dir,
        name=config.name,
        card={
            "config": config.model_dump(mode="json"),
            "calibration": calibration.mapping.to_json(),
            "thresholds": {
                "real_below": calibration.real_below,
                "fake_above": calibration.fake_above,
            },
            "warnings": list(calibration.warnings),
            "eval_metrics": metrics,
            "data_fingerprint": fingerprint,
            "code_version": fn_args.custom_config["code_hash"],
            "training_precision": precision.policy,
            "metadata": dict(fn_args.custom_config.get("metadata", {})),
        },
    )


def _calibrate(
    network: keras.Model, store: CropStore, config: ModelConfig, evaluations: int
) -> tuple[Calibration, dict[str, Any]]:
    """Calibrates a network on all crops of `eval`, as `serving_examples` uses them.

    Args:
        network: in float32.
        store: the `eval` split.
        config: image size, calibration's method and error rates are used.
        evaluations: on `eval`, of which early stopping kept the best.

    Returns:
        The calibration, and what `model.json` tells of the split that the model was chosen
        and calibrated on.
    """
    index = store.index
    crops = np.arange(len(index.offset))
    logits = score_videos(inference(network), store, crops, config.image_size)
    calibration = calibrate(
        logits,
        index.label,
        index.group,
        method=config.calibration,
        false_positive_rate=config.false_positive_rate,
        false_negative_rate=config.false_negative_rate,
        evaluations=evaluations,
    )
    return calibration, {
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


def _parse_config(text: str) -> ModelConfig:
    try:
        return ModelConfig.model_validate_json(text)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in ("model", *first["loc"]))
        raise UsageError(f"{place}: {first['msg']}") from error


def _write_history(folder: str, history: Sequence[Evaluation]) -> None:
    tf.io.gfile.makedirs(folder)
    with tf.io.gfile.GFile(f"{folder}/history.csv", "w") as file:
        writer = csv.writer(file)
        writer.writerow([field.name for field in dataclasses.fields(Evaluation)])
        writer.writerows(dataclasses.astuple(evaluation) for evaluation in history)
