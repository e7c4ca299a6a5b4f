"""Plain lines that tell how training gets on."""

import math
import time


class TrainingProgress:
    """Prints a line now and then: step, loss, AUC on `eval`, speed and time left.

    Plain lines, because TFX replaces logging's handlers and runs where there is no terminal.

    Args:
        name: of the model.
        steps: training batches at most.
        images_per_step: crops in a batch.
        seconds_between: least time between two lines.
    """

    def __init__(
        self, name: str, steps: int, images_per_step: int, seconds_between: float = 10.0
    ) -> None:
        self._name = name
        self._steps = steps
        self._images_per_step = images_per_step
        self._seconds_between = seconds_between
        self._auc = math.nan
        self._last_line = self._first_step_done = time.monotonic()

    def say(self, message: str) -> None:
        """Prints a message about the model at once."""
        print(f"[{self._name}] {message}", flush=True)

    def step(self, step: int, loss: float) -> None:
        """Takes note of a finished step, counted from 1, and prints if it is time."""
        now = time.monotonic()
        if step not in (1, self._steps) and now - self._last_line < self._seconds_between:
            return
        self._last_line = now
        line = f"step {step}/{self._steps}, loss {loss:.3f}"
        if not math.isnan(self._auc):
            line += f", eval AUC {self._auc:.3f}"
        if step == 1:
            # Building the graph takes most of it, so that it tells nothing of the others.
            self._first_step_done = now
        else:
            seconds_per_step = (now - self._first_step_done) / (step - 1)
            line += (
                f", {self._images_per_step / seconds_per_step:.0f} images/s, "
                f"at most {duration(seconds_per_step * (self._steps - step))} left"
            )
        self.say(line)

    def evaluated(self, step: int, auc: float, best: bool) -> None:
        """Prints the outcome of an evaluation."""
        self._auc = auc
        self.say(f"step {step}/{self._steps}, eval AUC {auc:.3f}{', the best yet' if best else ''}")


def duration(seconds: float) -> str:
    """Seconds in words, for example `1 min 05 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
