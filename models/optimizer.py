"""The optimiser of a config, and its learning rate over time."""

import math
from collections.abc import Sequence

import keras

from models.config import ModelConfig
from models.precision import Precision


def create(
    config: ModelConfig, precision: Precision, variables: Sequence[keras.Variable]
) -> keras.optimizers.Optimizer:
    """Makes an optimiser for variables; its learning rate is to be set before each step.

    Args:
        config: `optimizer` and `learning_rate` are used.
        precision: that the network was built with: float16's gradients need their loss scaled.
        variables: what learns.

    Returns:
        The optimiser, built.
    """
    options = config.optimizer
    common = {
        "learning_rate": config.learning_rate,
        "weight_decay": options.weight_decay or None,
        "global_clipnorm": options.clip_norm,
        "gradient_accumulation_steps": options.accumulate if options.accumulate > 1 else None,
    }
    optimizer: keras.optimizers.Optimizer
    if options.algorithm == "sgd":
        optimizer = keras.optimizers.SGD(momentum=options.momentum, nesterov=True, **common)
    elif options.algorithm == "adamw":
        optimizer = keras.optimizers.AdamW(**common)
    else:
        optimizer = keras.optimizers.Adam(**common)
    if options.weight_decay:
        # Vectors are biases and batch normalisation's, which decay only harms.
        optimizer.exclude_from_weight_decay(
            var_list=[variable for variable in variables if len(variable.shape) < 2]
        )
    if precision.policy == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(list(variables))
    return optimizer


def loss_scale(optimizer: keras.optimizers.Optimizer) -> float:
    """What the loss is multiplied by at present, against the underflow of float16; else 1."""
    scale = getattr(optimizer, "dynamic_scale", None)
    return 1.0 if scale is None else float(scale)


def learning_rate(config: ModelConfig, step: int, aucs: Sequence[float]) -> float:
    """The learning rate of a step: linear warm-up, decay, and what plateaus have taken off.

    Args:
        config: `learning_rate`, `steps` and `schedule` are used.
        step: from 0.
        aucs: of the evaluations so far, in order.

    Returns:
        The rate; of a cosine 0 at `steps`.
    """
    schedule = config.schedule
    warmup_steps = round(config.steps * schedule.warmup_fraction)
    rate = config.learning_rate
    if schedule.plateau_factor is not None:
        rate *= schedule.plateau_factor ** _plateaus(aucs, schedule.plateau_patience)
    if step < warmup_steps:
        return rate * step / warmup_steps
    if schedule.decay == "constant":
        return rate
    done = (step - warmup_steps) / max(config.steps - warmup_steps, 1)
    return rate * 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0)))


def _plateaus(aucs: Sequence[float], patience: int) -> int:
    """How often `patience` evaluations in a row were no better than the best before them."""
    best, stalled, plateaus = -math.inf, 0, 0
    for auc in aucs:
        stalled = 0 if auc > best else stalled + 1
        best = max(best, auc)
        if stalled == patience:
            plateaus, stalled = plateaus + 1, 0
    return plateaus
