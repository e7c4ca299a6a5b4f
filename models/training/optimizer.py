"""The optimiser of a config, and its learning rate over time."""

import math
from collections.abc import Sequence

import keras

from models.config import ModelConfig
from models.training.checkpoints import Evaluation
from models.training.precision import Precision


def create(
    config: ModelConfig,
    precision: Precision,
    variables: Sequence[keras.Variable],
    *,
    replicas: int = 1,
) -> keras.optimizers.Optimizer:
    """Makes an optimiser for variables; its learning rate is to be set before each step.

    Args:
        config: `optimizer` and `learning_rate` are used.
        precision: that the network was built with: float16's gradients need their loss scaled.
        variables: what learns.
        replicas: devices that each apply their share of the same mean gradient, and of which
            Keras adds up the shares after it has clipped them.

    Returns:
        The optimiser, built.
    """
    options = config.optimizer
    common = {
        "learning_rate": config.learning_rate,
        "global_clipnorm": None if options.clip_norm is None else options.clip_norm / replicas,
        "gradient_accumulation_steps": options.accumulate if options.accumulate > 1 else None,
    }
    optimizer: keras.optimizers.Optimizer
    if options.algorithm == "sgd":
        optimizer = keras.optimizers.SGD(
            momentum=options.momentum,
            nesterov=True,
            weight_decay=options.weight_decay or None,
            **common,
        )
    elif options.algorithm == "adamw":
        optimizer = keras.optimizers.AdamW(weight_decay=options.weight_decay, **common)
    else:
        optimizer = keras.optimizers.Adam(weight_decay=options.weight_decay or None, **common)
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
    return 1.0 if scale is None else float(scale.value.numpy())


def learning_rate(config: ModelConfig, step: int, history: Sequence[Evaluation]) -> float:
    """The learning rate of a step: linear warm-up, decay, and what plateaus have taken off.

    Each phase of fine-tuning warms up for itself; the decay is the last one's.

    Args:
        config: `learning_rate`, `steps`, `schedule` and `fine_tuning` are used.
        step: from 0.
        history: evaluations of the phase so far, in order.

    Returns:
        The rate; of a cosine 0 at `steps`.
    """
    schedule = config.schedule
    warmup_steps = round(config.steps * schedule.warmup_fraction)
    head_steps = config.fine_tuning.head_steps
    in_phase = step if step < head_steps else step - head_steps
    rate = config.learning_rate
    if schedule.plateau_factor is not None:
        rate *= schedule.plateau_factor ** _plateaus(history, schedule.plateau_patience)
    if in_phase < warmup_steps:
        return rate * (in_phase + 1) / warmup_steps
    if schedule.decay == "constant" or step < head_steps:
        return rate
    done = (in_phase - warmup_steps) / max(config.steps - head_steps - warmup_steps, 1)
    return rate * 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0)))


def _plateaus(history: Sequence[Evaluation], patience: int) -> int:
    """How often `patience` evaluations in a row were no better than the best before them."""
    best: Evaluation | None = None
    stalled = plateaus = 0
    for evaluation in history:
        if evaluation.better_than(best):
            best, stalled = evaluation, 0
        else:
            stalled += 1
        if stalled == patience:
            plateaus, stalled = plateaus + 1, 0
    return plateaus
