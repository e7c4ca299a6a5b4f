"""What an interrupted training goes on from."""

import dataclasses
import json
from collections.abc import Sequence

import keras
import tensorflow as tf

_LAST, _BEST = "last", "best"
_STATE_KEY = "state/.ATTRIBUTES/VARIABLE_VALUE"


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

    Each appears whole or not at all: TensorFlow writes files aside and then the one that names
    them.

    Args:
        folder: path or URL; made when the first state is written.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def progress(self) -> Progress:
        """How far an interrupted training had come; the very beginning if there is none."""
        path = tf.train.latest_checkpoint(f"{self._folder}/{_LAST}")
        if path is None:
            return Progress()
        state = json.loads(tf.train.load_checkpoint(path).get_tensor(_STATE_KEY).decode())
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
        path = tf.train.latest_checkpoint(f"{self._folder}/{_LAST}")
        kept = {} if optimizer is None else {"optimizer": _values(optimizer.variables)}
        saved = tf.train.Checkpoint(network=_values(variables), **kept)
        saved.restore(path).assert_existing_objects_matched().expect_partial()

    def save(
        self,
        progress: Progress,
        variables: Sequence[keras.Variable],
        optimizer: keras.optimizers.Optimizer,
    ) -> None:
        """Keeps a state in place of the one before."""
        saved = tf.train.Checkpoint(
            network=_values(variables),
            optimizer=_values(optimizer.variables),
            state=tf.Variable(json.dumps(dataclasses.asdict(progress)), dtype=tf.string),
        )
        self._write(saved, _LAST, progress.step)

    def save_best(self, step: int, variables: Sequence[keras.Variable]) -> None:
        """Keeps the network's variables as the best, in place of those before."""
        self._write(tf.train.Checkpoint(network=_values(variables)), _BEST, step)

    def restore_best(self, variables: Sequence[keras.Variable]) -> None:
        """Puts the best weights into the network."""
        path = tf.train.latest_checkpoint(f"{self._folder}/{_BEST}")
        saved = tf.train.Checkpoint(network=_values(variables))
        saved.restore(path).assert_existing_objects_matched().expect_partial()

    def delete(self) -> None:
        """Deletes all states: what they led to is kept elsewhere."""
        if tf.io.gfile.exists(self._folder):
            tf.io.gfile.rmtree(self._folder)

    def _write(self, saved: tf.train.Checkpoint, kind: str, step: int) -> None:
        manager = tf.train.CheckpointManager(saved, f"{self._folder}/{kind}", max_to_keep=1)
        manager.save(checkpoint_number=step)


def _values(variables: Sequence[keras.Variable]) -> list[tf.Variable]:
    return [variable.value for variable in variables]
