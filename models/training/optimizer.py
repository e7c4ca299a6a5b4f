"""The optimizer of a config, and its learning rate over time."""

import math
from collections.abc import Sequence

import keras

from models.config import ModelConfig
from models.training.checkpoints import Evaluation
from models.training.precision import Precision


def build_optimizer(
    config: ModelConfig,
    precision: Precision,
    variables: Sequence[keras.Variable],
    *,
    replicas: int = 1,
) -> keras.optimizers.Optimizer:
    """Makes an optimizer for variables; the caller sets its learning rate before each step.

    Args:
        config: `optimizer` and `learning_rate` are used.
        precision: that the network was built with: in float16 the loss must be scaled.
        variables: that are trained.
        replicas: number of devices. Each applies its share of the same mean gradient; Keras clips
            the shares before it adds them up.

    Returns:
        The optimizer, built.
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
        # Vectors are biases and parameters of batch normalisation, which decay only harms.
        optimizer.exclude_from_weight_decay(
            var_list=[variable for variable in variables if len(variable.shape) < 2]
        )
    if precision.policy == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(list(variables))
    return optimizer


def loss_scale(optimizer: keras.optimizers.Optimizer) -> float:
    """The factor by which the loss is scaled now against underflow in float16; 1 without one."""
    scale = getattr(optimizer, "dynamic_scale", None)
    return 1.0 if scale is None else float(scale.value.numpy())


def learning_rate(config: ModelConfig, step: int, history: Sequence[Evaluation]) -> float:
    """The learning rate of a step: linear warm-up, then decay, reduced at plateaus.

    Each phase of fine-tuning has its own warm-up; only the last phase decays.

    Args:
        config: `learning_rate`, `steps`, `schedule` and `fine_tuning` are used.
        step: from 0.
        history: evaluations of the phase so far, in order.

    Returns:
        The rate; that of a cosine is 0 at `steps`.

    Example:
        >>> config = ModelConfig(
        ...     model="xception", steps=100, learning_rate=0.1, schedule={"warmup_fraction": 0.1}
        ... )
        >>> [round(learning_rate(config, step, []), 3) for step in (0, 9, 10, 55, 100)]
        [0.01, 0.1, 0.1, 0.05, 0.0]
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
        if best is None or evaluation.rank > best.rank:
            best, stalled = evaluation, 0
        else:
            stalled += 1
        if stalled == patience:
            plateaus, stalled = plateaus + 1, 0
    return plateaus
