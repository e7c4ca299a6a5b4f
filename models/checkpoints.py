"""What an interrupted training goes on from."""

import dataclasses
import json
from collections.abc import Sequence

import keras
import tensorflow as tf

_LAST, _BEST = "last", "best"


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """One look at `eval` during training.

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
        """Larger is better: by AUC; on few videos it often ties, and then by loss."""
        return self.auc, -self.eval_loss

    def better_than(self, other: "Evaluation | None") -> bool:
        """Whether its rank is above another's, or there is no other."""
        return other is None or self.rank > other.rank


def best_of(history: Sequence[Evaluation]) -> Evaluation | None:
    """The best evaluation, the first of equal ones; None of none."""
    best: Evaluation | None = None
    for evaluation in history:
        best = evaluation if evaluation.better_than(best) else best
    return best


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far training has come, besides the variables.

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

    A state counts once TensorFlow has written the file that names it, which comes last; until
    then it is the one before.

    Args:
        folder: path or URL; made when the first state is written.
        writes: whether this process is the one that writes; of several, one does.
    """

    def __init__(self, folder: str, *, writes: bool = True) -> None:
        self._folder = folder
        self._writes = writes

    def progress(self) -> Progress:
        """How far an interrupted training had come; the very beginning if there is none."""
        path = tf.train.latest_checkpoint(f"{self._folder}/{_LAST}")
        if path is None:
            return Progress()
        with tf.io.gfile.GFile(f"{path}.json") as file:
            state = json.loads(file.read())
        history = tuple(Evaluation(**evaluation) for evaluation in state["history"])
        return Progress(state["step"], history, tuple(state["losses"]))

    def restore(
        self, variables: Sequence[keras.Variable], optimizer: keras.optimizers.Optimizer | None
    ) -> None:
        """Restores what `save` kept.

        Args:
            variables: of the network.
            optimizer: built for what learned at that step; None leaves out its state.
        """
        kept = {} if optimizer is None else {"optimizer": _values(optimizer.variables)}
        self._read(f"{_LAST}/ckpt-{self.progress().step}", network=_values(variables), **kept)

    def save(
        self,
        progress: Progress,
        variables: Sequence[keras.Variable],
        optimizer: keras.optimizers.Optimizer,
    ) -> None:
        """Keeps a state in place of the one before."""
        if self._writes:
            folder = f"{self._folder}/{_LAST}"
            tf.io.gfile.makedirs(folder)
            with tf.io.gfile.GFile(f"{folder}/ckpt-{progress.step}.json", "w") as file:
                file.write(json.dumps(dataclasses.asdict(progress)))
            kept = {"network": _values(variables), "optimizer": _values(optimizer.variables)}
            self._write(_LAST, progress.step, keep=1, **kept)
            for path in tf.io.gfile.glob(f"{folder}/ckpt-*.json"):
                if path != f"{folder}/ckpt-{progress.step}.json":
                    tf.io.gfile.remove(path)

    def save_best(self, step: int, variables: Sequence[keras.Variable]) -> None:
        """Keeps the network's variables as the best.

        The best before them stays too: a training killed before its state is saved does not know
        of these.
        """
        if self._writes:
            self._write(_BEST, step, keep=2, network=_values(variables))

    def restore_best(self, step: int, variables: Sequence[keras.Variable]) -> None:
        """Puts the best weights, those of a step, into the network."""
        self._read(f"{_BEST}/ckpt-{step}", network=_values(variables))

    def delete(self) -> None:
        """Deletes all states: what they led to is kept elsewhere."""
        if tf.io.gfile.exists(self._folder):
            tf.io.gfile.rmtree(self._folder)

    def _write(self, kind: str, step: int, *, keep: int, **kept: list[tf.Variable]) -> None:
        saved = tf.train.Checkpoint(**kept)
        manager = tf.train.CheckpointManager(saved, f"{self._folder}/{kind}", max_to_keep=keep)
        manager.save(checkpoint_number=step)

    def _read(self, name: str, **kept: list[tf.Variable]) -> None:
        saved = tf.train.Checkpoint(**kept).restore(f"{self._folder}/{name}")
        saved.assert_existing_objects_matched().expect_partial()


def _values(variables: Sequence[keras.Variable]) -> list[tf.Variable]:
    return [variable.value for variable in variables]
