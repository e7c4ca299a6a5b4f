"""How one model is built, trained and calibrated: a typed, validated section of a run's config.

The pipeline hands it to the Trainer as JSON, in `custom_config["model"]`.
"""

import typing
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from models.backbones import registry
from models.config import presets
from models.config.augmentation import AugmentationConfig
from models.config.search import SearchConfig
from models.config.served import ServedConfig
from models.config.training import FineTuningConfig, OptimizerConfig, ScheduleConfig

_NOT_SEARCHED = {
    **dict.fromkeys(("search", "steps"), "a trial trains for `search.steps`"),
    **dict.fromkeys(("name", "preset"), "it is fixed when the config is read"),
    **dict.fromkeys(("weights", "warm_start"), "the cache must know what a run begins with"),
    "strategy": "it is the same for all trials",
    **dict.fromkeys(
        ("scope", "track_length", "calibration", "false_positive_rate", "false_negative_rate"),
        "a trial's AUC does not depend on it",
    ),
}
"""Keys that cannot be searched, and why."""


class ModelConfig(ServedConfig):
    """One model of a run.

    Example:
        >>> config = ModelConfig(model="xception", weights=None, steps=432)
        >>> config.name, config.image_size
        ('xception', 299)
        >>> ModelConfig.model_validate_json(config.model_dump_json()) == config
        True
    """

    preset: str | None = Field(
        default=None, description="published settings, by their name in models/config/presets.py"
    )
    model: str = Field(description="network, by its name in models/backbones/registry.py")
    name: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_-]*$",
        description="name under which it is served; by default the network's name, followed by "
        "`_lstm` for that head",
    )
    head: Literal["frame", "lstm"] = Field(
        default="frame",
        description="`frame` scores each face and pools the scores of a track; `lstm` reads a "
        "track's faces in the order of time",
    )
    lstm_units: int = Field(default=512, ge=1, le=8192, description="width of the head `lstm`")
    sequence_length: int = Field(
        default=16,
        ge=2,
        le=256,
        description="faces of a track in a training sample of the head `lstm`",
    )
    pooling: Literal["mean", "confident_mean", "max"] = Field(
        default="mean",
        description=(
            "how the scores of a track's faces become one, see models/networks/pooling.py; not "
            "for the head `lstm`"
        ),
    )
    image_size: int = Field(
        default=0,
        le=1024,
        description="pixels a side to which crops are resized; by default what the network's "
        "authors use",
    )
    weights: str | None = Field(
        default=None,
        description="`imagenet`, the path of a Keras weights file (.h5) of the network without "
        "its top, or null to train from scratch; by default `imagenet` if the network has such "
        "weights",
    )
    precision: Literal["auto", "float32", "mixed_float16", "mixed_bfloat16"] = Field(
        default="auto", description="of training; `auto` chooses by the hardware"
    )
    dropout: float = Field(
        default=0.2, ge=0, lt=1, description="dropout rate before the last layer"
    )
    frames_per_video: int = Field(
        default=32,
        ge=1,
        le=1024,
        description="crops of each track that training and its evaluations use at most, evenly "
        "spaced; calibration uses all",
    )
    batch_size: int = Field(
        default=16,
        ge=2,
        le=1024,
        multiple_of=2,
        description="crops, or sequences of them, in a training batch, over all devices",
    )
    sampling: Literal["paired", "balanced", "natural"] = Field(
        default="paired",
        description="`paired`: reals with their own fakes; `balanced`: as many reals as fakes, "
        "drawn independently; `natural`: every video once an epoch, with class weights in the loss",
    )
    steps: int = Field(default=2000, ge=1, description="training batches at most")
    learning_rate: float = Field(
        default=1e-3, gt=0, le=1, description="largest learning rate, after the warm-up"
    )
    schedule: ScheduleConfig = Field(default_factory=ScheduleConfig)
    optimizer: OptimizerConfig = Field(default_factory=OptimizerConfig)
    fine_tuning: FineTuningConfig = Field(default_factory=FineTuningConfig)
    strategy: Literal["none", "mirrored", "multi_worker", "tpu"] = Field(
        default="none", description="strategy of tf.distribute, for training on several devices"
    )
    warm_start: str | None = Field(
        default=None,
        description="folder of a served version of the same network and head, whose weights "
        "training starts from, in place of `weights`",
    )
    fakes: Literal["dataset", "self_blended"] = Field(
        default="dataset",
        description="fakes to train on: the dataset's, or fakes made of its reals during training "
        "(Shiohara and Yamasaki, CVPR 2022); `eval` and `test` keep the dataset's",
    )
    augmentation: AugmentationConfig = Field(default_factory=AugmentationConfig)
    eval_interval: int = Field(
        default=200, ge=1, description="steps between evaluations of the video AUC on `eval`"
    )
    patience: int = Field(
        default=5,
        ge=1,
        description="training stops after this many evaluations without a better AUC, or a lower "
        "loss at the same AUC",
    )
    seed: int = Field(
        default=0, ge=0, lt=2**31, description="of weights, sampling and augmentation"
    )
    search: SearchConfig | None = Field(
        default=None,
        description="a search for better values of some of these keys before training; null for "
        "none",
    )

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        values = presets.expand(values)
        if not values.get("name") and isinstance(values.get("model"), str):
            values["name"] = values["model"] + ("_lstm" if values.get("head") == "lstm" else "")
        if not values.get("image_size") and values.get("model") in registry.names():
            values["image_size"] = registry.find(values["model"]).image_size
        if "weights" not in values and values.get("model") in registry.names():
            is_pretrained = registry.find(values["model"]).pretrained is not None
            values["weights"] = registry.IMAGENET if is_pretrained else None
        return values

    @field_validator("model")
    @classmethod
    def _known_model(cls, model: str) -> str:
        if model not in registry.names():
            raise ValueError(
                f"there is no model {model!r}; choose one of {', '.join(registry.names())}"
            )
        return model

    @field_validator("weights")
    @classmethod
    def _known_weights(cls, weights: str | None) -> str | None:
        if weights is not None and weights != registry.IMAGENET and not weights.endswith(".h5"):
            raise ValueError(
                f"{weights!r} is neither `imagenet` nor the path of a .h5 file; "
                "write null to train from scratch"
            )
        return weights

    @model_validator(mode="after")
    def _fits_the_image_size(self) -> "ModelConfig":
        smallest = registry.find(self.model).minimum_image_size
        if self.image_size < smallest:
            raise ValueError(
                f"image_size {self.image_size} is too small: {self.model} needs {smallest} or more"
            )
        if self.weights == registry.IMAGENET and registry.find(self.model).pretrained is None:
            raise ValueError(
                f"weights imagenet: there are none of {self.model}; name a .h5 file, or write null "
                "to train from scratch"
            )
        if self.head == "lstm" and self.pooling != "mean":
            raise ValueError(
                f"pooling {self.pooling} does nothing where head is lstm, which reads a track as a "
                "whole; set pooling to mean"
            )
        if self.head == "lstm" and self.strategy == "tpu":
            raise ValueError(
                "head lstm does not work with strategy tpu, whose programs have fixed shapes"
            )
        accumulate = self.optimizer.accumulate
        if self.steps % accumulate or self.fine_tuning.head_steps % accumulate:
            raise ValueError(
                f"steps {self.steps} and fine_tuning.head_steps {self.fine_tuning.head_steps} must "
                f"be multiples of optimizer.accumulate {accumulate}, or their last batches are lost"
            )
        if accumulate > 1 and self.strategy != "none":
            raise ValueError(
                f"optimizer.accumulate does not work with strategy {self.strategy}; a larger "
                "batch_size is spread over its devices"
            )
        if self.fakes == "self_blended" and self.sampling != "paired":
            raise ValueError(
                f"sampling {self.sampling} needs the dataset's fakes; `fakes: self_blended` makes "
                "pairs of its own"
            )
        if self.fine_tuning.head_steps >= self.steps:
            raise ValueError(
                f"fine_tuning.head_steps {self.fine_tuning.head_steps} must be below steps "
                f"{self.steps}"
            )
        return self

    @model_validator(mode="after")
    def _searches_what_it_has(self) -> "ModelConfig":
        if self.search is None:
            return self
        if self.strategy == "multi_worker":
            raise ValueError("search: trials run on one machine; strategy multi_worker is for many")
        for key, dimension in self.search.space.items():
            reason = _NOT_SEARCHED.get(key.partition(".")[0])
            if reason is not None:
                raise ValueError(f"search.space.{key}: cannot be searched: {reason}")
            types = _types(key)
            if not types:
                raise ValueError(f"search.space.{key}: a model has no such key")
            if dimension.choices is None and not {int, float} & types:
                raise ValueError(f"search.space.{key}: is no number; give choices")
            for value in dimension.examples(whole=int in types):
                try:
                    self.with_values(self.search.trial_values({key: value}))
                except ValidationError as error:
                    problem = error.errors()[0]["msg"].removeprefix("Value error, ")
                    raise ValueError(f"search.space.{key}: {value!r}: {problem}") from error
        return self

    def with_values(self, values: Mapping[str, Any]) -> "ModelConfig":
        """Copies the configuration with some values replaced.

        Args:
            values: by key, for example `optimizer.weight_decay`.

        Raises:
            pydantic.ValidationError: a key does not take its value, or the values contradict each
                other.

        Example:
            >>> config = ModelConfig(model="meso4").with_values({"optimizer.momentum": 0.8})
            >>> config.optimizer.momentum
            0.8
        """
        content = self.model_dump(mode="json")
        for key, value in values.items():
            *sections, last = key.split(".")
            place = content
            for section in sections:
                place = place[section]
            place[last] = value
        return ModelConfig.model_validate(content)


def takes_whole_numbers(key: str) -> bool:
    """Whether a key of `ModelConfig` takes whole numbers only.

    Example:
        >>> takes_whole_numbers("batch_size"), takes_whole_numbers("optimizer.momentum")
        (True, False)
    """
    return int in _types(key)


def _types(key: str) -> set[Any]:
    """The types that a key of `ModelConfig` takes; none if there is no such key."""
    annotation: Any = ModelConfig
    for name in key.split("."):
        field = getattr(annotation, "model_fields", {}).get(name)
        if field is None:
            return set()
        annotation = field.annotation
    return {annotation, *typing.get_args(annotation)}
