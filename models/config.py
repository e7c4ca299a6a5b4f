"""How one model is built, trained and calibrated: a typed, validated section of a run's config.

The pipeline hands it to the Trainer as JSON, in `custom_config["model"]`.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from models.augmentation_config import AugmentationConfig
from models.backbones import registry


class ModelConfig(BaseModel):
    """One model of a run.

    Example:
        config = ModelConfig(name="xception", image_size=96, weights=None, steps=432)
        ModelConfig.model_validate_json(config.model_dump_json()) == config
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="network, by its name in models/backbones/registry.py")
    image_size: int = Field(
        default=224, ge=32, le=1024, description="side in pixels to which crops are resized"
    )
    weights: str | None = Field(
        default="imagenet",
        description="`imagenet`, the path of a Keras weights file (.h5) of the network without "
        "its top, or null to train from scratch",
    )
    precision: Literal["auto", "float32", "mixed_float16", "mixed_bfloat16"] = Field(
        default="auto", description="of training; `auto` chooses by hardware"
    )
    dropout: float = Field(default=0.2, ge=0, lt=1, description="before the last layer")
    track_length: int = Field(
        default=32, ge=1, le=256, description="faces in a row of the signature `serving_tracks`"
    )
    frames_per_video: int = Field(
        default=32,
        ge=1,
        le=1024,
        description="crops of each video's tracks that training and its evaluations use, evenly "
        "spread over each track; calibration uses all",
    )
    batch_size: int = Field(
        default=8, ge=1, le=512, description="pairs of a real and a fake crop in a training batch"
    )
    steps: int = Field(default=2000, ge=1, description="training batches at most")
    learning_rate: float = Field(
        default=1e-3, gt=0, le=1, description="peak of Adam's learning rate"
    )
    warmup_fraction: float = Field(
        default=0.1, ge=0, lt=1, description="share of `steps` over which the learning rate rises"
    )
    fakes: Literal["dataset", "self_blended"] = Field(
        default="dataset",
        description="what is learnt from: the dataset's fakes, or fakes blended of its reals on "
        "the fly (Shiohara and Yamasaki, CVPR 2022); `eval` and `test` keep the dataset's own",
    )
    augmentation: AugmentationConfig = Field(default_factory=AugmentationConfig)
    eval_interval: int = Field(
        default=200, ge=1, description="steps between evaluations of the video AUC on `eval`"
    )
    patience: int = Field(
        default=5, ge=1, description="evaluations without a better AUC after which training stops"
    )
    false_positive_rate: float = Field(
        default=0.05, gt=0, lt=0.5, description="share of real videos that may be called fake"
    )
    false_negative_rate: float = Field(
        default=0.05, gt=0, lt=0.5, description="share of fake videos that may be called real"
    )
    seed: int = Field(
        default=0, ge=0, lt=2**31, description="of weights, sampling and augmentation"
    )

    @field_validator("name")
    @classmethod
    def _known_name(cls, name: str) -> str:
        if name not in registry.names():
            raise ValueError(
                f"there is no model {name!r}; choose one of {', '.join(registry.names())}"
            )
        return name

    @field_validator("weights")
    @classmethod
    def _known_weights(cls, weights: str | None) -> str | None:
        if weights is not None and weights != "imagenet" and not weights.endswith(".h5"):
            raise ValueError(
                f"{weights!r} is neither `imagenet` nor the path of a .h5 file; "
                "write null to train from scratch"
            )
        return weights

    @model_validator(mode="after")
    def _fits_the_image_size(self) -> "ModelConfig":
        smallest = registry.minimum_image_size(self.name)
        if self.image_size < smallest:
            raise ValueError(
                f"image_size {self.image_size} is too small: {self.name} needs {smallest} or more"
            )
        return self
