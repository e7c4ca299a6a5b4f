"""Reliability diagrams before and after calibration, side by side.

Above: the share of fakes among the videos of each probability; where a bar ends on the diagonal,
the probability can be believed. Below: the number of videos that this rests on.
"""

import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from models.calibration.calibration import Calibration
from models.calibration.decision import Decision
from models.evaluation import RELIABILITY_BINS, Reliability

_INCHES, _DOTS_PER_INCH = (12.0, 9.0), 100
_SHARE, _GAP = "#0072b2", "#e69f00"
_REAL, _UNCERTAIN, _FAKE = "#1a7f37", "#b8b8b8", "#c62828"
_WIDTH = 1 / RELIABILITY_BINS
_CENTRES = (np.arange(RELIABILITY_BINS) + 0.5) * _WIDTH


def draw_reliability(title: str, calibration: Calibration) -> bytes:
    """Draws both diagrams.

    Args:
        title: names the model.
        calibration: what is drawn; its verdicts are marked below the calibrated diagram.

    Returns:
        A PNG, dark on light.
    """
    content = io.BytesIO()
    _figure(title, calibration).savefig(content, format="png")
    return content.getvalue()


def _figure(title: str, calibration: Calibration) -> Figure:
    # Not pyplot, which keeps state and looks for a screen.
    figure = Figure(figsize=_INCHES, dpi=_DOTS_PER_INCH, layout="constrained")
    figure.suptitle(title, fontsize="xx-large")
    method = calibration.decision.calibrator.method
    axes = figure.subplots(3, 2, height_ratios=(12, 0.3, 4))
    for name, reliability, (diagram, verdicts, counts) in (
        ("Before calibration", calibration.reliability, axes[:, 0]),
        (
            f"Calibrated ({method}), cross-fitted by source group",
            calibration.calibrated_reliability,
            axes[:, 1],
        ),
    ):
        error = f"expected calibration error {reliability.expected_calibration_error:.3f}"
        diagram.set_title(f"{name}\n{error}", loc="left", fontsize="medium")
        _draw_diagram(diagram, reliability)
        _draw_counts(counts, reliability)
        verdicts.set_axis_off()
    _draw_verdicts(axes[1, 1], calibration.decision)
    handles = [
        handle
        for one in (axes[0, 1], axes[2, 1], axes[1, 1])
        for handle in one.get_legend_handles_labels()[0]
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _draw_diagram(axes: Axes, reliability: Reliability) -> None:
    share, mean = reliability.fake_share, reliability.probability
    axes.bar(
        _CENTRES,
        np.where(np.isnan(share), share, np.maximum(share, 0.005)),  # one without fakes is seen
        0.85 * _WIDTH,
        color=_SHARE,
        label="share of fakes, both classes weighing the same",
    )
    axes.vlines(_CENTRES, share, mean, _GAP, linewidth=4, label="distance from mean probability")
    axes.plot(_CENTRES, mean, "_", color=_GAP, markersize=18, markeredgewidth=3)
    axes.plot([0, 1], [0, 1], color="dimgray", linewidth=1.5)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)


def _draw_verdicts(axes: Axes, decision: Decision) -> None:
    """Marks below a diagram which verdict its probabilities get."""
    ends = (0.0, decision.real_below, decision.fake_above, 1.0)
    for start, end, colour in zip(ends, ends[1:], (_REAL, _UNCERTAIN, _FAKE), strict=False):
        axes.axvspan(start, end, color=colour, linewidth=0)
    axes.axvspan(0, 0, color=_UNCERTAIN, label="uncertain")
    axes.set(xlim=(0, 1))
    axes.text(-0.02, 0.5, "verdict", ha="right", va="center", transform=axes.transAxes)


def _draw_counts(axes: Axes, reliability: Reliability) -> None:
    least = 0.015 * max(reliability.reals.max(), reliability.fakes.max())  # what can be seen
    for counts, colour, label, side in (
        (reliability.reals, _REAL, "real videos", -1),
        (reliability.fakes, _FAKE, "fake videos", 1),
    ):
        heights = np.where(counts > 0, np.maximum(counts, least), 0)
        axes.bar(_CENTRES + side * _WIDTH / 4, heights, 0.4 * _WIDTH, color=colour, label=label)
    axes.set(xlim=(0, 1), xlabel="probability of being fake", ylabel="videos")
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.spines[["top", "right"]].set_visible(False)
