"""Weights that others trained, or an earlier run of ours did, made into a served model."""

import hashlib
import os
import pathlib
import tempfile
from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from components import atomic_pusher, served_versions
from data import dataset_folder, files
from data.code_hash import code_hash
from data.errors import UsageError
from models import calibration, classifier, mesonet_weights
from models.calibration import Calibration
from models.config import ModelConfig
from models.crop_store import CropStore
from models.export import export
from models.scoring import inference, score_videos
from models.served_model import ServedModel
from models.transform_features import TransformFeatures, label_alone
from pipeline import transform_graph

Transform: TypeAlias = Callable[[tf.Tensor], dict[str, tf.Tensor]]

_SPLIT = "eval"
_KNOWN = {"name", "image_size", "track_length", "false_positive_rate", "false_negative_rate"}


def import_weights(
    path: str,
    config: ModelConfig,
    *,
    serving_root: str,
    served_name: str,
    examples: str | None,
) -> tuple[str, list[str]]:
    """Makes a served model of a weights file and pushes it.

    Args:
        path: of the file that MesoNet's authors published, or of a Keras weights file
            (.weights.h5) of our whole classifier.
        config: network, image size, track length and error rates are used.
        serving_root: folder that a server watches.
        served_name: of the model below it.
        examples: folder that `unmask extract` wrote, whose `eval` split the model is calibrated
            on; None leaves it uncalibrated.

    Returns:
        Folder of the version that now serves the weights, and the warnings of its `model.json`.

    Raises:
        UsageError: the file or the folder is not what it must be.
    """
    network = classifier.build(config, "float32", weights=None)
    load(network, config.name, path)
    with tempfile.TemporaryDirectory(prefix="unmask-import-") as scratch:
        if examples is None:
            fitted = calibration.uncalibrated()
            measured: dict[str, Any] = {}
            transform: Transform = label_alone
        else:
            shards = _eval_shards(examples)
            fitted, measured = _calibrate(network, shards, config, scratch)
            transform = TransformFeatures(transform_graph.analyze(shards, scratch))
        saved = f"{scratch}/saved"
        export(
            ServedModel(network, fitted, track_length=config.track_length, transform=transform),
            saved,
            name=served_name,
            card={
                # Nothing is known of the training.
                "config": config.model_dump(mode="json", include=_KNOWN),
                "temperature": fitted.temperature,
                "thresholds": {"real_below": fitted.real_below, "fake_above": fitted.fake_above},
                "warnings": list(fitted.warnings),
                "code_version": code_hash("models", "data.contract"),
                "imported": {
                    "file": pathlib.Path(path).name,
                    "sha256": hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest(),
                },
                **measured,
            },
        )
        version = atomic_pusher.push(saved, serving_root, served_name)
    return served_versions.version_path(serving_root, served_name, version), [*fitted.warnings]


def load(network: keras.Model, name: str, path: str) -> None:
    """Puts a weights file into a classifier.

    Args:
        network: made by `models.classifier.build`; changed.
        name: of its backbone.
        path: see `import_weights`.

    Raises:
        UsageError: the file is absent, damaged, or does not fit.
    """
    if mesonet_weights.is_published(path):
        if name not in mesonet_weights.NAMES:
            raise UsageError(
                f"{path}: written by Keras 2, as MesoNet's authors publish their weights; "
                f"--model {name} needs a .weights.h5 file of our own classifier"
            )
        mesonet_weights.load(network, name, path)
        return
    try:
        network.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        first_line = next(iter(str(error).strip().splitlines()), "no message")
        raise UsageError(
            f"{path}: does not hold the weights of the whole classifier {name} at "
            f"{network.input_shape[1]} pixels ({first_line})"
        ) from error


def _eval_shards(examples: str) -> list[str]:
    if dataset_folder.read_description(examples) is None:
        raise UsageError(f"{examples}: holds no extraction; `unmask extract` writes one")
    names = [n for n in dataset_folder.find_shards(examples) if n.startswith(f"{_SPLIT}-")]
    if not names:
        raise UsageError(f"{examples}: its {_SPLIT} split, which calibrates, holds no video")
    return [files.join(examples, name) for name in names]


def _calibrate(
    network: keras.Model, shards: list[str], config: ModelConfig, scratch: str
) -> tuple[Calibration, dict[str, Any]]:
    """The calibration, and what `model.json` tells of the videos that it was fitted to."""
    crops_file = os.path.join(scratch, "crops")
    with CropStore.write(shards, crops_file, label_alone, compression="") as store:
        index = store.index
        crops = np.arange(len(index.offset))
        logits = score_videos(inference(network), store, crops, config.image_size)
        fitted = calibration.calibrate(
            logits,
            index.label,
            index.group,
            false_positive_rate=config.false_positive_rate,
            false_negative_rate=config.false_negative_rate,
            evaluations=1,  # nobody chose among several
        )
        return fitted, {
            "eval_metrics": {
                "auc": float(roc_auc_score(index.label, logits)),
                "log_loss": fitted.log_loss,
                "calibrated_log_loss": fitted.calibrated_log_loss,
                "videos": len(index.label),
            },
            "data_fingerprint": {_SPLIT: store.fingerprint},
        }
