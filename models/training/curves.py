"""Curves of a training: loss, AUC on `eval` and learning rate over the steps."""

import io
from collections.abc import Sequence

import tensorflow as tf
from matplotlib.figure import Figure

from models.training.checkpoints import Evaluation, best_of

_INCHES, _DOTS_PER_INCH = (7.0, 7.5), 110


def draw_curves(history: Sequence[Evaluation], path: str, *, title: str) -> None:
    """Draws the evaluations of a training as curves.

    Args:
        history: in order.
        path: of the PNG; path or URL, replaced if it exists.
        title: above the curves.
    """
    steps = [evaluation.step for evaluation in history]
    best = best_of(history)
    assert best is not None
    # Not pyplot, which keeps state and looks for a screen.
    figure = Figure(figsize=_INCHES, dpi=_DOTS_PER_INCH, layout="constrained")
    losses, auc, rate = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1.5))
    figure.suptitle(title)
    losses.plot(steps, [evaluation.loss for evaluation in history], ".-", label="train")
    losses.plot(steps, [evaluation.eval_loss for evaluation in history], ".-", label="eval videos")
    losses.set_ylabel("log loss, nats")
    losses.set_ylim(bottom=0)
    losses.legend()
    auc.plot(steps, [evaluation.auc for evaluation in history], ".-", color="tab:green")
    auc.set_ylabel("AUC of eval videos")
    auc.set_ylim(min(0.5, *(evaluation.auc for evaluation in history), best.auc) - 0.02, 1.02)
    auc.set_title(f"kept: {best.auc:.3f} at step {best.step}", loc="right", fontsize="medium")
    rate.plot(steps, [evaluation.learning_rate for evaluation in history], ".-", color="tab:gray")
    rate.set_ylabel("learning rate")
    rate.set_ylim(bottom=0)
    rate.set_xlabel("step")
    for axes in (losses, auc):
        axes.axvline(best.step, color="tab:red", linewidth=0.8, linestyle="--")
    for axes in (losses, auc, rate):
        axes.grid(alpha=0.3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    with tf.io.gfile.GFile(path, "wb") as file:
        file.write(buffer.getvalue())
