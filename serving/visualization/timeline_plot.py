"""The plot of a timeline: each track's scores over time, in front of the verdicts' bands."""

import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from data.visualization import drawing
from serving.audit import Thresholds
from serving.prediction import TrackPrediction, Verdict, VideoPrediction
from serving.visualization.face_path import FacePath
from serving.visualization.verdict_style import STYLES

TRACK_STYLES: Sequence[tuple[str, str]] = (
    ("#000000", "o"),
    ("#0072b2", "s"),
    ("#009e73", "^"),
    ("#cc79a7", "D"),
)
"""Colour and marker of each track that a legend names, from Okabe and Ito's palette
(jfly.uni-koeln.de/color, 2008). No verdict has one of these colours."""

_OTHER_STYLE = ("#7a7a7a", ".")

_DOTS_PER_INCH = 100
_LINE = "#a8a8a8"
_MARGIN = 0.04  # keeps probabilities of 0 and 1 off the edges
_MAX_LARGE_DOTS = 64  # tracks with more have small dots


def plot(
    prediction: VideoPrediction,
    thresholds: Thresholds | None,
    size: tuple[int, int],
    axes_box: tuple[int, int, int, int],
    markers: Mapping[int, tuple[int, int]],
) -> Image.Image:
    """Draws the plot on a white picture.

    Args:
        prediction: the answer, with `facts`.
        thresholds: drawn as bands; None if not known.
        size: width and height of the picture, pixels.
        axes_box: left, top, right and bottom of the axes in it, pixels.
        markers: positions of the markers of the tracks that a legend names, by number, pixels; at
            most as many as `TRACK_STYLES`.

    Returns:
        An RGB picture.
    """
    width, height = size
    left, top, right, bottom = axes_box
    # Not pyplot, which has global state and needs a display.
    figure = Figure(figsize=(width / _DOTS_PER_INCH, height / _DOTS_PER_INCH), dpi=_DOTS_PER_INCH)
    axes = figure.add_axes(
        (left / width, 1 - bottom / height, (right - left) / width, (bottom - top) / height)
    )
    _set_up_axes(axes, prediction)
    _draw_bands(axes, thresholds)
    _draw_unscored(axes, prediction)
    assert prediction.facts is not None
    styles = dict(zip(markers, TRACK_STYLES, strict=False))
    for number, track in enumerate(prediction.tracks):
        style = styles.get(number, _OTHER_STYLE)
        _draw_track(axes, style, track, prediction.facts.times_s)
    for number, (x, y) in markers.items():
        colour, marker = styles[number]
        sign = Line2D([x], [height - y], color=colour, marker=marker, markersize=8, linestyle="")
        sign.set_transform(None)  # pixels
        figure.add_artist(sign)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Image.open(buffer).convert("RGB")


def _set_up_axes(axes: Axes, prediction: VideoPrediction) -> None:
    axes.set_xlim(0, _end_s(prediction))
    axes.set_ylim(-_MARGIN, 1 + _MARGIN)
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.set_xlabel("seconds", color=drawing.FADED, labelpad=1)
    axes.set_ylabel("fake probability", color=drawing.FADED)
    axes.tick_params(colors=drawing.FADED)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(drawing.FADED)


def _end_s(prediction: VideoPrediction) -> float:
    assert prediction.facts is not None
    return max(prediction.facts.duration_s, *prediction.facts.times_s, 0.001)


def _draw_bands(axes: Axes, thresholds: Thresholds | None) -> None:
    if thresholds is None:
        axes.grid(axis="y", color=_LINE, alpha=0.5, linewidth=0.7)
        return
    ends = (-_MARGIN, thresholds.real_below, thresholds.fake_above, 1 + _MARGIN)
    verdicts = (Verdict.REAL, Verdict.UNCERTAIN, Verdict.FAKE)
    for low, high, verdict in zip(ends, ends[1:], verdicts, strict=False):
        red, green, blue = (channel / 255 for channel in STYLES[verdict].colour)
        axes.axhspan(low, high, facecolor=(red, green, blue, 0.25), linewidth=0, zorder=0)
        if high - low > 2 * _MARGIN:  # else the name does not fit
            axes.annotate(
                verdict.value,
                (1, (low + high) / 2),
                xycoords=("axes fraction", "data"),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                color=drawing.INK,
                fontsize=9,
            )
    for threshold in ends[1:3]:
        axes.axhline(threshold, color=drawing.FADED, linewidth=0.8, linestyle="--", zorder=0.5)


def _draw_unscored(axes: Axes, prediction: VideoPrediction) -> None:
    spans = list(unscored_spans(prediction))
    for start, stop in spans:
        axes.axvspan(
            *(start, stop), facecolor="white", edgecolor=_LINE, hatch="///", linewidth=0, zorder=1
        )
    if spans:
        start, stop = max(spans, key=lambda span: span[1] - span[0])
        if stop - start > 0.15 * _end_s(prediction):  # else the text does not fit
            axes.text(
                *((start + stop) / 2, 0.5, "no face scored"),
                ha="center",
                va="center",
                color=drawing.INK,
                fontsize=9,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 2},
                zorder=1.2,
            )


def unscored_spans(prediction: VideoPrediction) -> Iterator[tuple[float, float]]:
    """Spans of time without a scored face; adjacent ones are merged.

    Each sampled frame represents the time halfway to its neighbours.

    Args:
        prediction: the answer, with `facts`.

    Yields:
        Start and end, seconds.
    """
    assert prediction.facts is not None
    times = prediction.facts.times_s
    scored = {frame.time_s for track in prediction.tracks for frame in track.frames}
    paths = [FacePath(track, times) for track in prediction.tracks]

    def is_visible(index: int) -> bool:
        time_s = times[index]
        return time_s in scored or any(path.at(time_s) is not None for path in paths)

    middles = [(a + b) / 2 for a, b in itertools.pairwise(times)]
    edges = [0.0, *middles, _end_s(prediction)]
    for visible, group in itertools.groupby(range(len(times)), key=is_visible):
        indices = list(group)
        if not visible:
            yield edges[indices[0]], edges[indices[-1] + 1]


def _draw_track(
    axes: Axes, style: tuple[str, str], track: TrackPrediction, times_s: Sequence[float]
) -> None:
    colour, marker = style
    common: dict[str, Any] = {"color": colour, "clip_on": False}
    for segment in FacePath(track, times_s).segments():
        axes.plot(
            [frame.time_s for frame in segment],
            # NaN interrupts the line at a face that could not be read.
            [np.nan if f.fake_probability is None else f.fake_probability for f in segment],
            marker=marker,
            markersize=6 if len(track.frames) <= _MAX_LARGE_DOTS else 3,
            markeredgecolor="white",
            markeredgewidth=0.7,
            linewidth=1.5,
            zorder=4,
            **common,
        )
    unread = [frame.time_s for frame in track.frames if frame.fake_probability is None]
    axes.plot(unread, [0.0] * len(unread), marker="x", linestyle="", zorder=4, **common)
    scored = [frame for frame in track.frames if frame.fake_probability is not None]
    if scored:
        worst = max(scored, key=lambda frame: frame.fake_probability or 0.0)
        axes.plot(
            *(worst.time_s, worst.fake_probability or 0.0),
            marker="o",
            markersize=13,
            markerfacecolor="none",
            markeredgewidth=1.5,
            zorder=3,
            **common,
        )
