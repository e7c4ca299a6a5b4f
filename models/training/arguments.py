"""Arguments that TFX passes to `run_fn` and `tuner_fn`."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pydantic

from data.utils.errors import UsageError
from models.config import ModelConfig


class TrainingArguments(Protocol):
    """The part of TFX's `FnArgs` that both use.

    Attributes:
        train_files: patterns of the training split's files, gzipped TFRecords of Examples.
        eval_files: patterns of the eval split's.
        custom_config: `model`, a `ModelConfig` as JSON; `code_hash`, of the code that makes
            the model; `metadata`, which `model.json` repeats; `checkpoints`, folder of all models'
            checkpoints, from which an interrupted training or search goes on, or "" to keep none
            after this call.
    """

    train_files: Sequence[str]
    eval_files: Sequence[str]
    custom_config: Mapping[str, Any]


class TrainerArguments(TrainingArguments, Protocol):
    """The part that `run_fn` uses.

    Attributes:
        transform_output: folder that Transform wrote.
        hyperparameters: that the Tuner wrote; used only if the model has a `search`.
        serving_model_dir: receives the SavedModel.
        model_run_dir: receives the files of `models.training.log`, and `reliability.png`.
    """

    transform_output: str
    hyperparameters: Mapping[str, Any]
    serving_model_dir: str
    model_run_dir: str


class TunerArguments(TrainingArguments, Protocol):
    """The part that `tuner_fn` uses.

    Attributes:
        transform_graph_path: folder that Transform wrote.
        working_dir: folder of temporary files.
    """

    transform_graph_path: str
    working_dir: str


def parse_config(text: str) -> ModelConfig:
    """Reads `custom_config["model"]`.

    Raises:
        UsageError: it does not describe a model.
    """
    try:
        return ModelConfig.model_validate_json(text)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in ("model", *first["loc"]))
        raise UsageError(f"{place}: {first['msg']}") from error


def checkpoint_name(
    config: ModelConfig, custom_config: Mapping[str, Any], fingerprint: Mapping[str, str]
) -> str:
    """Name of a training's folder of checkpoints.

    It depends on everything that decides the training, so that a new execution finds the
    checkpoints of an interrupted one; TFX gives every execution new folders.

    Args:
        config: of the model, in place of `custom_config["model"]`.
        custom_config: from TFX.
        fingerprint: of each split.

    Returns:
        16 hexadecimal digits.
    """
    content = [{**custom_config, "model": config.model_dump_json()}, dict(fingerprint)]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
