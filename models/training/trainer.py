"""The training loop: phases, checkpoints, and early stopping on the video AUC of `eval`."""

import math
import time

import keras
import numpy as np
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from data.utils.errors import UsageError
from data.utils.name_some import name_some
from models.config import ModelConfig
from models.evaluation import log_loss
from models.inputs import Batch, CropSource, require_both_classes, sample_tracks, training_batches
from models.networks import Classifier, classifier, saved_network
from models.scoring import NetworkScorer, score_videos
from models.training import distribution, fine_tuning
from models.training.checkpoints import Checkpoints, Evaluation, Progress, best_of
from models.training.log import TrainingLog
from models.training.optimizer import build_optimizer, learning_rate, loss_scale
from models.training.precision import Precision
from models.training.train_step import build_train_step

CHECKPOINT_SECONDS = 300.0
"""Between two checkpoints at least, where there is no evaluation."""


class TrainingError(UsageError):
    """Training failed, or cannot begin, and only other settings will help."""


class Trainer:
    """Trains one network on one training split; made and used in the strategy's scope.

    Args:
        network: its weights are changed.
        train_source: crops to learn from.
        eval_source: crops that early stopping evaluates on.
        precision: that the network was built with.
        checkpoints: where an interrupted training left off, and where this one saves its state.
        log: shows each step.

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
        self._step = 0
        self._history: list[Evaluation] = []
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
        self._step = progress.step
        self._history, self._losses = list(progress.history), list(progress.losses)
        if self._step:
            self._log.say(f"going on from step {self._step}")
        while self._step < config.steps and not self._has_stalled():
            phase = fine_tuning.phase(config.fine_tuning, self._step)
            fine_tuning.begin_phase(self._network, config.fine_tuning, phase)
            optimizer = build_optimizer(
                config,
                self._precision,
                self._network.trainable_variables,
                replicas=self._strategy.num_replicas_in_sync,
            )
            if self._step and self._step == progress.step:
                # A phase begins with a fresh optimizer.
                goes_on = phase == fine_tuning.phase(config.fine_tuning, self._step - 1)
                self._checkpoints.restore(self._network.variables, optimizer if goes_on else None)
            self._train_phase(phase, optimizer)
        if self._has_stalled():
            self._log.say(f"stopped: {config.patience} evaluations without a better one")
        best = best_of(self._history)
        assert best is not None
        self._checkpoints.restore_best(best.step, self._network.variables)
        return self._history

    def _train_phase(self, phase: int, optimizer: keras.optimizers.Optimizer) -> None:
        """Trains to the end of a phase, or until evaluations get no better."""
        config = self._config
        head_steps = config.fine_tuning.head_steps
        first, last = (0, head_steps) if phase == 0 else (head_steps, config.steps)
        train_step = build_train_step(self._network, optimizer, self._strategy)
        for batch in self._batches(last - self._step):
            in_phase = [evaluation for evaluation in self._history if evaluation.step > first]
            rate = learning_rate(config, self._step, in_phase)
            optimizer.learning_rate = rate
            scale = loss_scale(optimizer)
            loss, gradient = map(float, train_step(batch))
            self._step += 1
            self._require_finite(loss, gradient, batch, scale)
            self._losses.append(loss)
            self._log.step(self._step, loss, rate, batch)
            if self._step % config.eval_interval == 0 or self._step == config.steps:
                self._evaluate(rate, batch, scale)
                self._save(optimizer)
                if self._has_stalled():
                    return
            elif time.monotonic() - self._saved_at > CHECKPOINT_SECONDS or self._step == last:
                self._save(optimizer)

    def _batches(self, count: int) -> tf.distribute.DistributedDataset:
        """The next batches, each divided among the devices."""
        batches = training_batches(
            self._train_source, self._train_crops, self._config, first_step=self._step
        )
        options = tf.data.Options()
        # Every worker makes all batches and takes its part: there are no files to divide.
        options.experimental_distribute.auto_shard_policy = (
            tf.data.experimental.AutoShardPolicy.DATA
        )
        batches = batches.take(count).with_options(options)
        return self._strategy.experimental_distribute_dataset(batches)

    def _require_finite(self, loss: float, gradient: float, batch: Batch, scale: float) -> None:
        if not math.isfinite(loss):
            raise self._diverged(f"the loss became {loss} at step {self._step}", batch, scale)
        # In float16 a step whose gradients overflow is skipped, and the loss scale falls. Below 1
        # the scale was not what made them overflow.
        if not math.isfinite(gradient) and (
            self._precision.policy != "mixed_float16" or scale < 1.0
        ):
            raise self._diverged(f"a gradient became {gradient} at step {self._step}", batch, scale)

    def _evaluate(self, rate: float, batch: Batch, scale: float) -> None:
        """Evaluates on `eval`; the last batch and its loss scale explain a failure."""
        distribution.average_statistics(self._network.variables)
        labels = self._eval_source.index.label
        scores = score_videos(self._scorer, self._eval_source, self._eval_crops)
        if not np.isfinite(scores).all():
            lost = [
                self._eval_source.video_ids[row] for row in np.flatnonzero(~np.isfinite(scores))
            ]
            problem = (
                f"scores of {len(lost)} eval videos ({name_some(lost)}) are no longer numbers at "
                f"step {self._step}"
            )
            raise self._diverged(problem, batch, scale)
        auc, eval_loss = distribution.mean_of_workers(
            [float(roc_auc_score(labels, scores)), log_loss(scores, labels)]
        )
        loss = float(np.mean(self._losses))
        evaluation = Evaluation(self._step, loss, auc, eval_loss, learning_rate=rate)
        self._losses = []
        self._history.append(evaluation)
        is_best = best_of(self._history) is evaluation
        self._log.evaluated(evaluation, best=is_best)
        if is_best:
            self._checkpoints.save_best(self._step, self._network.variables)

    def _save(self, optimizer: keras.optimizers.Optimizer) -> None:
        progress = Progress(self._step, tuple(self._history), tuple(self._losses))
        self._checkpoints.save(progress, self._network.variables, optimizer)
        self._saved_at = time.monotonic()

    def _has_stalled(self) -> bool:
        """Whether the best of the last phase lies `patience` evaluations back."""
        head_steps = self._config.fine_tuning.head_steps
        last = [evaluation for evaluation in self._history if evaluation.step > head_steps]
        best = best_of(last)
        return best is not None and len(last) - 1 - last.index(best) >= self._config.patience

    def _diverged(self, problem: str, batch: Batch, scale: float) -> TrainingError:
        rows = np.concatenate(
            [part.numpy() for part in self._strategy.experimental_local_results(batch.videos)]
        )
        videos = ", ".join(self._train_source.video_ids[row] for row in np.unique(rows))
        return TrainingError(
            f"{self._config.name}: {problem}, loss scale {scale:g}. The batch held {videos}. Lower "
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
