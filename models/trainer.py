"""The training loop: Adam on pairs, with early stopping on the video AUC of `eval`."""

import dataclasses
import math

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from models.calibration import log_loss
from models.config import ModelConfig
from models.crop_store import CropStore, evenly_spread, require_both_classes
from models.input_pipeline import training_batches
from models.precision import Precision
from models.progress import TrainingProgress
from models.scoring import inference, score_videos


class TrainingError(RuntimeError):
    """Training went wrong in a way that more of it cannot mend."""


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """One look at `eval` during training.

    Attributes:
        step: training steps done.
        loss: mean training loss since the evaluation before, nats.
        auc: area under the ROC curve of video scores on `eval`.
        eval_loss: log loss of video scores on `eval`, nats, both classes weighing the same.
    """

    step: int
    loss: float
    auc: float
    eval_loss: float

    def better_than(self, other: "Evaluation | None") -> bool:
        """By AUC; on few videos it often ties, and then by loss."""
        return other is None or (self.auc, -self.eval_loss) > (other.auc, -other.eval_loss)


def train(
    network: keras.Model,
    train_store: CropStore,
    eval_store: CropStore,
    config: ModelConfig,
    precision: Precision,
    progress: TrainingProgress,
) -> list[Evaluation]:
    """Trains a network and leaves it with the weights of its best evaluation.

    Args:
        network: from faces, float32 [n, size, size, 3], 0 to 255, to logits [n]; changed.
        train_store: what is learnt from.
        eval_store: what early stopping looks at.
        config: how.
        precision: that the network was built with.
        progress: is told of each step.

    Returns:
        The evaluations in order; the last step is always evaluated.

    Raises:
        UsageError: a split lacks a class.
        TrainingError: the loss or a score on `eval` is no longer a number.
    """
    require_both_classes(eval_store.index.label, "eval")
    train_crops = evenly_spread(train_store.index, config.frames_per_video)
    eval_crops = evenly_spread(eval_store.index, config.frames_per_video)
    index = eval_store.index
    optimizer = _optimizer(config, precision)
    optimizer.build(network.trainable_variables)
    infer = inference(network)
    train_step = _train_step(network, optimizer)

    history: list[Evaluation] = []
    best: Evaluation | None = None
    best_weights: list[npt.NDArray] = []
    losses: list[float] = []
    batches = training_batches(train_store, train_crops, config).take(config.steps)
    for step, (faces, targets) in enumerate(batches, start=1):
        loss = float(train_step(faces, targets))
        if not math.isfinite(loss):
            raise _diverged(f"the loss became {loss} at step {step}", config, precision)
        losses.append(loss)
        progress.step(step, loss)
        if step % config.eval_interval and step != config.steps:
            continue
        scores = score_videos(infer, eval_store, eval_crops, config.image_size)
        if not np.isfinite(scores).all():
            what = f"scores of eval videos are no longer numbers at step {step}"
            raise _diverged(what, config, precision)
        evaluation = Evaluation(
            step=step,
            loss=float(np.mean(losses)),
            auc=float(roc_auc_score(index.label, scores)),
            eval_loss=log_loss(scores, index.label),
        )
        losses = []
        history.append(evaluation)
        is_best = evaluation.better_than(best)
        progress.evaluated(step, evaluation.auc, best=is_best)
        if is_best:
            best, best_weights = evaluation, network.get_weights()
        elif best is not None and step - best.step >= config.patience * config.eval_interval:
            progress.say(f"stopped: {config.patience} evaluations without a better AUC")
            break
    network.set_weights(best_weights)
    return history


def _diverged(what: str, config: ModelConfig, precision: Precision) -> TrainingError:
    return TrainingError(
        f"{config.name}: {what}. Lower `learning_rate` ({config.learning_rate:g}), or set "
        f"`precision` ({precision.policy}) to float32."
    )


def learning_rate(config: ModelConfig) -> keras.optimizers.schedules.LearningRateSchedule:
    """Linear warm-up, then a cosine down to 0 at the last step."""
    warmup_steps = round(config.steps * config.warmup_fraction)
    if warmup_steps == 0:
        return keras.optimizers.schedules.CosineDecay(config.learning_rate, config.steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0,
        max(config.steps - warmup_steps, 1),
        warmup_target=config.learning_rate,
        warmup_steps=warmup_steps,
    )


def _optimizer(config: ModelConfig, precision: Precision) -> keras.optimizers.Optimizer:
    adam = keras.optimizers.Adam(learning_rate(config))
    if precision.policy == "mixed_float16":
        # float16 gradients underflow unless the loss is scaled up.
        return keras.optimizers.LossScaleOptimizer(adam)
    return adam


def _train_step(
    network: keras.Model, optimizer: keras.optimizers.Optimizer
) -> tf.types.experimental.PolymorphicFunction:
    # XLA makes a step on a CPU 3 to 5 times slower.
    @tf.function(jit_compile=False)
    def train_step(faces: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        variables = network.trainable_variables
        with tf.GradientTape() as tape:
            logits = network(faces, training=True)
            losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
            loss = tf.reduce_mean(losses)
            scaled = optimizer.scale_loss(loss)
        optimizer.apply(tape.gradient(scaled, [v.value for v in variables]), variables)
        return loss

    return train_step
