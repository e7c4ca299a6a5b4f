"""How a network learns: optimiser, learning rate and what of the network learns when."""

from typing import Literal

from pydantic import Field

from data.utils.yaml_config import Section


class OptimizerConfig(Section):
    """The optimiser and what is done to its gradients."""

    algorithm: Literal["adam", "adamw", "sgd"] = Field(
        default="adam",
        description="`adamw` is `adam` by the name that goes with weight_decay, which it takes as "
        "`adam` does; `sgd` is with momentum",
    )
    momentum: float = Field(default=0.9, ge=0, lt=1, description="of `sgd`, Nesterov's")
    weight_decay: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of each kernel taken off a step, times the learning rate; biases and "
        "batch normalisation are left alone",
    )
    clip_norm: float | None = Field(
        default=None, gt=0, description="largest norm of all gradients together; null for none"
    )
    accumulate: int = Field(
        default=1,
        ge=1,
        le=256,
        description="batches whose gradients are averaged before the weights change",
    )


class ScheduleConfig(Section):
    """The learning rate over time: warm-up, then decay, times what plateaus have taken off."""

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
        description="the learning rate is multiplied by this where `eval` gets no better; null "
        "to leave it",
    )
    plateau_patience: int = Field(
        default=2,
        ge=1,
        description="evaluations without a better AUC, or a lower loss at the same one, that make "
        "a plateau",
    )


class FineTuningConfig(Section):
    """Which parts of a pretrained network learn: first the head alone, then more of it."""

    head_steps: int = Field(
        default=0, ge=0, description="first steps, in which the head alone learns"
    )
    trainable_layers: int | None = Field(
        default=None,
        ge=0,
        description="last layers of the backbone that learn after that; null for all, 0 for none",
    )
    frozen_batch_norm: bool = Field(
        default=False,
        description="batch normalisation keeps the pretrained weights and statistics; wanted "
        "where batches are small or unlike what the network was trained on",
    )
