"""`run_fn`, the TFX Trainer's entry: crops, training, calibration, export."""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pydantic

from data.errors import UsageError
from models import classifier, distribution, saved_network
from models.calibrated_export import CalibrationOptions, export_calibrated
from models.checkpoints import Checkpoints
from models.config import ModelConfig
from models.crop_store import CropStore
from models.precision import choose
from models.scorer import NetworkScorer
from models.scoring import score_videos
from models.trainer import Trainer
from models.training_log import TrainingLog
from models.transform_features import TransformFeatures


class TrainerArguments(Protocol):
    """What is used of TFX's `FnArgs`.

    Attributes:
        train_files: patterns of the training split's files, gzipped TFRecords of Examples.
        eval_files: patterns of the eval split's.
        transform_output: folder that Transform wrote.
        serving_model_dir: receives the SavedModel.
        model_run_dir: receives what `models.training_log` writes, and `reliability.png`.
        custom_config: `model`, a `ModelConfig` as JSON; `code_hash`, of the code that made
            the model; `metadata`, a mapping that `model.json` repeats; `checkpoints`, folder of
            all models' checkpoints, from which an interrupted training goes on, or "" to
            keep none beyond this call.
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
    distribution.let_memory_grow()
    strategy = distribution.create(config.strategy)
    is_chief = distribution.is_chief(strategy)
    precision = choose(config.precision)
    transform = TransformFeatures(fn_args.transform_output)
    run_folder = fn_args.model_run_dir if is_chief else None
    with (
        tempfile.TemporaryDirectory(prefix="unmask-crops-") as folder,
        CropStore.write(fn_args.train_files, f"{folder}/train", transform) as train_store,
        CropStore.write(fn_args.eval_files, f"{folder}/eval", transform) as eval_store,
        TrainingLog(config.name, config.steps, run_folder) as log,
    ):
        log.say(f"precision {precision.policy}: {precision.reason}")
        for split, store in (("train", train_store), ("eval", eval_store)):
            videos, crops = len(store.index.label), len(store.index.offset)
            log.say(f"{split}: {videos} videos, {crops} crops")
        fingerprint = {"train": train_store.fingerprint, "eval": eval_store.fingerprint}
        checkpoints = Checkpoints(_checkpoint_folder(fn_args, fingerprint, folder), writes=is_chief)
        with strategy.scope():
            # Weights that a warm start replaces need not be fetched.
            weights = config.weights if config.warm_start is None else None
            network = classifier.build(config, precision.policy, weights=weights)
            if config.warm_start is not None:
                saved_network.warm_start(network, config.warm_start)
            trainer = Trainer(network, train_store, eval_store, precision, checkpoints, log)
            history = trainer.train()
        if not is_chief:
            return
        log.finish(history)
        # From here on the network as it is served: in float32.
        network = classifier.in_float32(network)
        scorer = NetworkScorer(network)
        every_crop = np.arange(len(eval_store.index.offset))
        export_calibrated(
            scorer,
            score_videos(scorer, eval_store, every_crop),
            eval_store.index,
            CalibrationOptions(
                config.calibration, config.false_positive_rate, config.false_negative_rate
            ),
            name=config.name,
            track_length=config.track_length,
            transform=transform,
            folder=fn_args.serving_model_dir,
            run_folder=fn_args.model_run_dir,
            evaluations=len(history),
            card={
                "config": config.model_dump(mode="json"),
                "variables_sha256": saved_network.describe(network),
                "data_fingerprint": fingerprint,
                "code_version": fn_args.custom_config["code_hash"],
                "training_precision": precision.policy,
                "metadata": dict(fn_args.custom_config.get("metadata", {})),
            },
            say=log.say,
        )
        checkpoints.delete()


def _parse_config(text: str) -> ModelConfig:
    try:
        return ModelConfig.model_validate_json(text)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in ("model", *first["loc"]))
        raise UsageError(f"{place}: {first['msg']}") from error


def _checkpoint_folder(
    fn_args: TrainerArguments, fingerprint: Mapping[str, str], scratch: str
) -> str:
    """Of this very training: TFX gives every execution new folders, so it is found by a hash."""
    root = fn_args.custom_config["checkpoints"]
    if not root:
        return f"{scratch}/checkpoints"
    made_of = json.dumps([dict(fn_args.custom_config), dict(fingerprint)], sort_keys=True)
    return f"{root}/{hashlib.sha256(made_of.encode()).hexdigest()[:16]}"
