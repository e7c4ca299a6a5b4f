"""The training loop: phases, checkpoints, and early stopping on the video AUC of `eval`."""

import math
import time
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from data.utils.errors import UsageError
from data.utils.name_some import name_some
from models.config import ModelConfig
from models.evaluation.metrics import log_loss
from models.inputs import Batch, CropSource, require_both_classes, sample_tracks, training_batches
from models.networks import Classifier, classifier, saved_network
from models.scoring import NetworkScorer, score_videos
from models.training import distribution, fine_tuning, optimizer
from models.training.checkpoints import Checkpoints, Evaluation, Progress, best_of
from models.training.log import TrainingLog
from models.training.precision import Precision

CHECKPOINT_SECONDS = 300.0
"""Between two checkpoints at least, where there is no evaluation."""


class TrainingError(UsageError):
    """Training went wrong, or cannot begin, in a way that only other settings mend."""


class Trainer:
    """Trains one network on one training split; made and used in the strategy's scope.

    Args:
        network: changed.
        train_source: what is learnt from.
        eval_source: what early stopping looks at.
        precision: that the network was built with.
        checkpoints: where an interrupted training left off, and this one will.
        log: is told of each step.

    Raises:
        UsageError: a split lacks a class.
        TrainingError: a batch has fewer samples than there are devices.
    """

    def __init__(
        self,
        network: Classifier,
        train_source: CropSource,
        eval_source: CropSource,
        precision: Precision,
        checkpoints: Checkpoints,
        log: TrainingLog,
    ) -> None:
        require_both_classes(eval_source.index.label, "eval")
        self._network = network
        self._config = network.config
        self._train_source = train_source
        self._eval_source = eval_source
        self._precision = precision
        self._checkpoints = checkpoints
        self._log = log
        self._strategy = tf.distribute.get_strategy()
        devices = self._strategy.num_replicas_in_sync
        if self._config.batch_size < devices:
            raise TrainingError(
                f"{self._config.name}: batch_size {self._config.batch_size} leaves some of the "
                f"{devices} devices of strategy {self._config.strategy} nothing to learn from; set "
                f"it to {devices} or more"
            )
        self._train_crops = sample_tracks(train_source.index, self._config.frames_per_video)
        self._eval_crops = sample_tracks(eval_source.index, self._config.frames_per_video)
        self._scorer = NetworkScorer(network)
        self._losses: list[float] = []
        self._saved_at = time.monotonic()

    def train(self) -> list[Evaluation]:
        """Trains from where an interrupted training left off, else from the beginning.

        Leaves the network with the weights of its best evaluation.

        Returns:
            The evaluations in order; the last step is always evaluated.

        Raises:
            TrainingError: the loss, a gradient or a score on `eval` is no longer a number.
        """
        config = self._config
        progress = self._checkpoints.progress()
        history, self._losses = list(progress.history), list(progress.losses)
        step = progress.step
        if step:
            self._log.say(f"going on from step {step}")
        while step < config.steps and not self._has_stalled(history):
            phase = fine_tuning.phase(config.fine_tuning, step)
            fine_tuning.begin_phase(self._network, config.fine_tuning, phase)
            learner = optimizer.create(
                config,
                self._precision,
                self._network.trainable_variables,
                replicas=self._strategy.num_replicas_in_sync,
            )
            if step and step == progress.step:
                # A phase begins with a fresh optimiser.
                goes_on = phase == fine_tuning.phase(config.fine_tuning, step - 1)
                self._checkpoints.restore(self._network.variables, learner if goes_on else None)
            step = self._train_phase(phase, step, learner, history)
        if self._has_stalled(history):
            self._log.say(f"stopped: {config.patience} evaluations without a better one")
        best = best_of(history)
        assert best is not None
        self._checkpoints.restore_best(best.step, self._network.variables)
        return history

    def _train_phase(
        self,
        phase: int,
        step: int,
        learner: keras.optimizers.Optimizer,
        history: list[Evaluation],
    ) -> int:
        """Trains to the end of a phase or of training; returns the steps done by then."""
        config = self._config
        head_steps = config.fine_tuning.head_steps
        last = head_steps if phase == 0 else config.steps
        train_step = _train_step(self._network, learner, self._strategy)
        batches = training_batches(self._train_source, self._train_crops, config, first_step=step)
        options = tf.data.Options()
        # Every worker makes all batches and takes its part: they come from no files.
        options.experimental_distribute.auto_shard_policy = (
            tf.data.experimental.AutoShardPolicy.DATA
        )
        batches = batches.take(last - step).with_options(options)
        first = 0 if phase == 0 else head_steps
        for batch in self._strategy.experimental_distribute_dataset(batches):
            rate = optimizer.learning_rate(
                config, step, [found for found in history if found.step > first]
            )
            learner.learning_rate = rate
            scale = optimizer.loss_scale(learner)
            loss, gradient = map(float, train_step(batch))
            step += 1
            if not math.isfinite(loss):
                raise self._diverged(f"the loss became {loss} at step {step}", batch, scale)
            # In float16 gradients that overflow are passed over, and the loss scale falls; below 1
            # it was not what made them overflow.
            if not math.isfinite(gradient) and (
                self._precision.policy != "mixed_float16" or scale < 1.0
            ):
                raise self._diverged(f"a gradient became {gradient} at step {step}", batch, scale)
            self._losses.append(loss)
            self._log.step(step, loss, rate, batch)
            if step % config.eval_interval == 0 or step == config.steps:
                self._evaluate(step, rate, history, batch, scale)
                self._save(step, history, learner)
                if self._has_stalled(history):
                    return step
            elif time.monotonic() - self._saved_at > CHECKPOINT_SECONDS or step == last:
                self._save(step, history, learner)
        return step

    def _evaluate(
        self,
        step: int,
        rate: float,
        history: list[Evaluation],
        batch: Batch,
        scale: float,
    ) -> None:
        distribution.average_statistics(self._network.variables)
        labels = self._eval_source.index.label
        scores = score_videos(self._scorer, self._eval_source, self._eval_crops)
        if not np.isfinite(scores).all():
            rows = np.flatnonzero(~np.isfinite(scores))
            lost = [self._eval_source.video_ids[row] for row in rows]
            what = (
                f"scores of {len(lost)} eval videos ({name_some(lost)}) are no longer numbers at "
                f"step {step}"
            )
            raise self._diverged(what, batch, scale)
        found = [float(roc_auc_score(labels, scores)), log_loss(scores, labels)]
        auc, eval_loss = distribution.mean_of_workers(found)
        loss = float(np.mean(self._losses))
        evaluation = Evaluation(step, loss, auc, eval_loss, learning_rate=rate)
        self._losses = []
        is_best = evaluation.better_than(best_of(history))
        history.append(evaluation)
        self._log.evaluated(evaluation, best=is_best)
        if is_best:
            self._checkpoints.save_best(step, self._network.variables)

    def _save(
        self, step: int, history: list[Evaluation], learner: keras.optimizers.Optimizer
    ) -> None:
        progress = Progress(step, tuple(history), tuple(self._losses))
        self._checkpoints.save(progress, self._network.variables, learner)
        self._saved_at = time.monotonic()

    def _has_stalled(self, history: Sequence[Evaluation]) -> bool:
        """Whether the best of the last phase lies `patience` evaluations back."""
        last = [found for found in history if found.step > self._config.fine_tuning.head_steps]
        best = best_of(last)
        return best is not None and len(last) - 1 - last.index(best) >= self._config.patience

    def _diverged(self, what: str, batch: Batch, scale: float) -> TrainingError:
        rows = np.concatenate(
            [part.numpy() for part in self._strategy.experimental_local_results(batch.videos)]
        )
        videos = ", ".join(self._train_source.video_ids[row] for row in np.unique(rows))
        return TrainingError(
            f"{self._config.name}: {what}, loss scale {scale:g}. The batch held {videos}. Lower "
            f"`learning_rate` ({self._config.learning_rate:g}), or set `precision` "
            f"({self._precision.policy}) to float32."
        )


def train_network(
    config: ModelConfig,
    precision: Precision,
    train_source: CropSource,
    eval_source: CropSource,
    checkpoints: Checkpoints,
    log: TrainingLog,
) -> tuple[Classifier, list[Evaluation]]:
    """Builds a network and trains it; called in the strategy's scope.

    Args:
        config: of the network and its training.
        precision: that the network is built with, and trained in.
        train_source: see `Trainer`.
        eval_source: see `Trainer`.
        checkpoints: see `Trainer`.
        log: see `Trainer`.

    Returns:
        The network with the weights of its best evaluation, still in that precision, and all
        evaluations in order.

    Raises:
        UsageError: weights cannot be had, or a split lacks a class.
        TrainingError: as `Trainer.train`.
    """
    log.say(f"precision {precision.policy}: {precision.reason}")
    # Weights that a warm start replaces need not be fetched.
    weights = config.weights if config.warm_start is None else None
    network = classifier.build(config, precision.policy, weights=weights)
    if config.warm_start is not None:
        saved_network.warm_start(network, config.warm_start)
    trainer = Trainer(network, train_source, eval_source, precision, checkpoints, log)
    return network, trainer.train()


def _train_step(
    network: Classifier,
    learner: keras.optimizers.Optimizer,
    strategy: tf.distribute.Strategy,
) -> tf.types.experimental.PolymorphicFunction:
    """A step on a `Batch`; returns its loss and the norm of its gradients, loss scale included."""
    batch_size = float(network.config.batch_size)
    variables = network.trainable_variables

    def on_replica(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            logits = network(batch.images, batch.used, training=True)
            losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=batch.labels, logits=logits)
            loss = tf.reduce_sum(losses * batch.weights) / batch_size
            scaled = learner.scale_loss(loss)
        gradients = tape.gradient(scaled, [v.value for v in variables])
        replica = tf.distribute.get_replica_context()
        if replica.num_replicas_in_sync > 1:
            # The same on all devices, or one would not notice that another's are not finite. Each
            # gives its share: Keras adds them up again.
            gradients = replica.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
            gradients = [gradient / replica.num_replicas_in_sync for gradient in gradients]
        learner.apply(gradients, variables)
        return loss, tf.linalg.global_norm(gradients)

    # XLA makes a step on a CPU 3 to 5 times slower.
    @tf.function(jit_compile=False, reduce_retracing=True)
    def train_step(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        losses, norms = strategy.run(on_replica, args=(batch,))
        total = tf.distribute.ReduceOp.SUM
        return strategy.reduce(total, losses, axis=None), strategy.reduce(total, norms, axis=None)

    return train_step
