"""States of a training, from which an interrupted one goes on."""

import dataclasses
import json
from collections.abc import Sequence

import keras
import tensorflow as tf

_PROGRESS, _LAST, _BEST = "progress.json", "last", "best"


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """An evaluation on `eval` during training.

    Attributes:
        step: training steps done.
        loss: mean training loss since the evaluation before, nats.
        auc: area under the ROC curve of video scores on `eval`.
        eval_loss: log loss of video scores on `eval`, nats, both classes weighing the same.
        learning_rate: of the step before it.
    """

    step: int
    loss: float
    auc: float
    eval_loss: float
    learning_rate: float

    @property
    def rank(self) -> tuple[float, float]:
        """Larger is better. First by AUC; ties, frequent on few videos, are decided by the loss."""
        return self.auc, -self.eval_loss


def best_of(history: Sequence[Evaluation]) -> Evaluation | None:
    """The best evaluation, the first of equal ones; None if there is none.

    Example:
        >>> best_of([Evaluation(1, 0.5, 0.9, 0.4, 0.1), Evaluation(2, 0.4, 0.9, 0.3, 0.1)]).step
        2
    """
    return max(history, key=lambda evaluation: evaluation.rank, default=None)


@dataclasses.dataclass(frozen=True)
class Progress:
    """The state of a training besides its variables.

    Attributes:
        step: steps done.
        history: evaluations so far.
        losses: of the steps since the last evaluation.
    """

    step: int = 0
    history: tuple[Evaluation, ...] = ()
    losses: tuple[float, ...] = ()


class Checkpoints:
    """A folder that holds the latest state of a training, and the best weights so far.

    `progress.json` is written last. Until it names the new state, the one before is in force.

    Args:
        folder: path or URL; made when the first state is written.
        writes: whether this process writes; of several workers one does.
    """

    def __init__(self, folder: str, *, writes: bool = True) -> None:
        self._folder = folder
        self._writes = writes

    def progress(self) -> Progress:
        """The state of an interrupted training; the very beginning if there is none."""
        if not tf.io.gfile.exists(f"{self._folder}/{_PROGRESS}"):
            return Progress()
        with tf.io.gfile.GFile(f"{self._folder}/{_PROGRESS}") as file:
            state = json.loads(file.read())
        history = tuple(Evaluation(**evaluation) for evaluation in state["history"])
        return Progress(state["step"], history, tuple(state["losses"]))

    def restore(
        self, variables: Sequence[keras.Variable], optimizer: keras.optimizers.Optimizer | None
    ) -> None:
        """Restores what `save` kept.

        Args:
            variables: of the network.
            optimizer: built for the variables trained at that step; None leaves out its state.
        """
        kept = {} if optimizer is None else {"optimizer": _values(optimizer.variables)}
        self._read(_LAST, self.progress().step, network=_values(variables), **kept)

    def save(
        self,
        progress: Progress,
        variables: Sequence[keras.Variable],
        optimizer: keras.optimizers.Optimizer,
    ) -> None:
        """Keeps a state and deletes the one before."""
        if self._writes:
            kept = {"network": _values(variables), "optimizer": _values(optimizer.variables)}
            self._write(_LAST, progress.step, **kept)
            write_whole(self._folder, _PROGRESS, json.dumps(dataclasses.asdict(progress)))
            self._delete_all_but(_LAST, {progress.step})

    def save_best(self, step: int, variables: Sequence[keras.Variable]) -> None:
        """Keeps the network's variables as the best.

        The best before them stays too, for a training that is killed before its state is saved:
        it goes on from a state that does not know of the new ones.
        """
        if self._writes:
            self._write(_BEST, step, network=_values(variables))
            before = best_of(self.progress().history)
            self._delete_all_but(_BEST, {step} if before is None else {step, before.step})

    def restore_best(self, step: int, variables: Sequence[keras.Variable]) -> None:
        """Restores the best weights, those of a step, in the process that writes.

        Other workers may come here before the file is complete, and do not use their networks.
        """
        if self._writes:
            self._read(_BEST, step, network=_values(variables))

    def delete(self) -> None:
        """Deletes all states, once the result is kept elsewhere."""
        if tf.io.gfile.exists(self._folder):
            tf.io.gfile.rmtree(self._folder)

    # `write` and `read`, not `save`, `restore` or CheckpointManager: those make a variable, for
    # which all workers of a cluster would be needed, and only one of them writes.

    def _write(self, kind: str, step: int, **kept: list[tf.Variable]) -> None:
        tf.io.gfile.makedirs(self._folder)
        tf.train.Checkpoint(**kept).write(f"{self._folder}/{kind}-{step}")

    def _read(self, kind: str, step: int, **kept: list[tf.Variable]) -> None:
        status = tf.train.Checkpoint(**kept).read(f"{self._folder}/{kind}-{step}")
        status.assert_existing_objects_matched().expect_partial()

    def _delete_all_but(self, kind: str, steps: set[int]) -> None:
        kept = tuple(f"{kind}-{step}." for step in steps)
        for path in tf.io.gfile.glob(f"{self._folder}/{kind}-*"):
            if tf.io.gfile.isdir(path):  # a killed process was writing into it
                tf.io.gfile.rmtree(path)
            elif not path.rpartition("/")[2].startswith(kept):
                tf.io.gfile.remove(path)


def write_whole(folder: str, name: str, text: str) -> None:
    """Writes a file that appears whole, in place of one of that name; makes the folder."""
    path = f"{folder}/{name}"
    tf.io.gfile.makedirs(folder)
    with tf.io.gfile.GFile(f"{path}.partial", "w") as file:
        file.write(text)
    tf.io.gfile.rename(f"{path}.partial", path, overwrite=True)


def _values(variables: Sequence[keras.Variable]) -> list[tf.Variable]:
    return [variable.value for variable in variables]
