"""How a network is trained: optimizer, learning rate, and which parts are trained when."""

from typing import Literal

from pydantic import Field

from data.utils.yaml_config import Section


class OptimizerConfig(Section):
    """The optimizer and its gradients."""

    algorithm: Literal["adam", "adamw", "sgd"] = Field(
        default="adam",
        description="`adamw` and `adam` are the same: both take weight_decay; `sgd` has momentum",
    )
    momentum: float = Field(default=0.9, ge=0, lt=1, description="Nesterov momentum of `sgd`")
    weight_decay: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of each kernel that a step takes off, times the learning rate; not of "
        "biases and batch normalisation",
    )
    clip_norm: float | None = Field(
        default=None, gt=0, description="largest norm of all gradients together; null for no limit"
    )
    accumulate: int = Field(
        default=1,
        ge=1,
        le=256,
        description="batches whose gradients are averaged before the weights change",
    )


class ScheduleConfig(Section):
    """The learning rate over time: warm-up, then decay, then a factor for each plateau."""

    warmup_fraction: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="share of `steps` over which the learning rate rises, in each phase",
    )
    decay: Literal["cosine", "constant"] = Field(
        default="cosine", description="after the warm-up; `cosine` ends at 0"
    )
    plateau_factor: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="the learning rate is multiplied by this at each plateau; null for never",
    )
    plateau_patience: int = Field(
        default=2,
        ge=1,
        description="evaluations without a better AUC, or a lower loss at the same AUC, that make "
        "a plateau",
    )


class FineTuningConfig(Section):
    """Which parts of a pretrained network are trained: first the head alone, then more of it."""

    head_steps: int = Field(
        default=0, ge=0, description="first steps, in which only the head is trained"
    )
    trainable_layers: int | None = Field(
        default=None,
        ge=0,
        description="last layers of the backbone to train after `head_steps`; null for all, 0 for "
        "none",
    )
    frozen_batch_norm: bool = Field(
        default=False,
        description="batch normalisation keeps its pretrained weights and statistics; helps with "
        "small batches and with data unlike the pretraining's",
    )
