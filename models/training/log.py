"""Shows people how a model trains: a bar or lines, TensorBoard, and curves at the end."""

import csv
import dataclasses
import math
import sys
import time
from collections.abc import Sequence

import tensorflow as tf
from rich.markup import escape

from data.utils.progress import progress_bar
from models.inputs import Batch
from models.training.checkpoints import Evaluation
from models.training.curves import draw_curves

_SHEET_IMAGES = 32


class TrainingLog:
    """Shows progress: on a terminal by a bar, elsewhere by a line now and then.

    Writes `tensorboard/` (loss, learning rate, images a second, evaluations, a sheet of inputs),
    and at the end `history.csv` and `curves.png`.

    Args:
        name: of the model.
        steps: training batches at most.
        folder: path or URL that is written to; None writes nothing.
        seconds_between: least time between two lines.
    """

    def __init__(
        self, name: str, steps: int, folder: str | None, *, seconds_between: float = 10.0
    ) -> None:
        self._name = name
        self._steps = steps
        self._folder = folder
        self._seconds_between = seconds_between
        self._auc = math.nan
        self._started: tuple[float, int] | None = None  # time and step of the first step's end
        self._last_line = -math.inf
        self._bar = None
        if sys.stdout.isatty():
            columns = (
                "loss {task.fields[loss]:.3f}",
                "eval AUC {task.fields[auc]:.3f}",
                "{task.fields[speed]:.0f} images/s",
            )
            self._bar = progress_bar("steps", *columns)
        self._writer = (
            tf.summary.create_noop_writer()
            if folder is None
            else tf.summary.create_file_writer(f"{folder}/tensorboard")
        )

    def __enter__(self) -> "TrainingLog":
        if self._bar is not None:
            nan = math.nan
            self._task = self._bar.add_task(
                self._name, total=self._steps, loss=nan, auc=nan, speed=nan
            )
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._writer.close()

    def say(self, message: str) -> None:
        """Prints a message about the model at once."""
        line = f"[{self._name}] {message}"
        if self._bar is not None:
            self._bar.console.print(escape(line))
        else:
            print(line, flush=True)  # plain: TFX replaces logging's handlers

    def step(self, step: int, loss: float, learning_rate: float, batch: Batch) -> None:
        """Records a finished step.

        Args:
            step: counted from 1.
            loss: of its batch, nats.
            learning_rate: of its update.
            batch: that it trained on.
        """
        now = time.monotonic()
        if self._started is None:
            # Most of the first step is spent on building the graph; its speed says nothing.
            self._started = now, step
            self._write_sheet(step, batch)
        since, first = self._started
        images = int(tf.math.count_nonzero(_local(batch.used)))
        speed = images * (step - first) / (now - since) if step > first else math.nan
        with self._writer.as_default(step):
            tf.summary.scalar("train/loss", loss)
            tf.summary.scalar("train/learning_rate", learning_rate)
            if step > first:
                tf.summary.scalar("train/images_per_second", speed)
        if self._bar is not None:
            self._bar.update(self._task, completed=step, loss=loss, auc=self._auc, speed=speed)
        elif step in (first, self._steps) or now - self._last_line >= self._seconds_between:
            self._last_line = now
            self.say(self._line(step, loss, speed, images))

    def _line(self, step: int, loss: float, speed: float, images: int) -> str:
        line = f"step {step}/{self._steps}, loss {loss:.3f}"
        if not math.isnan(self._auc):
            line += f", eval AUC {self._auc:.3f}"
        if not math.isnan(speed):
            left_s = (self._steps - step) * images / speed
            line += f", {speed:.0f} images/s, at most {duration(left_s)} left"
        return line

    def evaluated(self, evaluation: Evaluation, *, best: bool) -> None:
        """Records an evaluation."""
        self._auc = evaluation.auc
        with self._writer.as_default(evaluation.step):
            tf.summary.scalar("eval/auc", evaluation.auc)
            tf.summary.scalar("eval/log_loss", evaluation.eval_loss)
        self._writer.flush()
        self.say(
            f"step {evaluation.step}/{self._steps}, eval AUC {evaluation.auc:.3f}"
            f"{', the best yet' if best else ''}"
        )

    def finish(self, history: Sequence[Evaluation]) -> None:
        """Writes `history.csv` and `curves.png`."""
        if self._folder is None:
            return
        tf.io.gfile.makedirs(self._folder)
        with tf.io.gfile.GFile(f"{self._folder}/history.csv", "w") as file:
            writer = csv.writer(file)
            writer.writerow([field.name for field in dataclasses.fields(Evaluation)])
            writer.writerows(dataclasses.astuple(evaluation) for evaluation in history)
        draw_curves(history, f"{self._folder}/curves.png", title=self._name)

    def _write_sheet(self, step: int, batch: Batch) -> None:
        images = _local(batch.images)[:, 0][:_SHEET_IMAGES] / 255.0
        labels = _local(batch.labels)[:_SHEET_IMAGES]
        with self._writer.as_default(step):
            for name, value in (("real", 0.0), ("fake", 1.0)):
                chosen = tf.boolean_mask(images, labels == value)
                tf.summary.image(f"inputs/{name}", chosen, max_outputs=_SHEET_IMAGES)


def _local(values: tf.Tensor) -> tf.Tensor:
    """The parts of a batch on this process's devices, joined."""
    return tf.concat(tf.distribute.get_strategy().experimental_local_results(values), axis=0)


def duration(seconds: float) -> str:
    """A duration in words.

    Example:
        >>> duration(65.2)
        '1 min 05 s'
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
