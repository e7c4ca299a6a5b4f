import io

import numpy as np
import pytest
from matplotlib import colors
from PIL import Image

from models.calibration.calibration import Calibration
from models.calibration.calibrators import Platt
from models.calibration.decision import Decision
from models.calibration.reliability_plot import _figure, draw_reliability
from models.evaluation import reliability

SHARE, REAL, UNCERTAIN, FAKE = "#0072b2", "#1a7f37", "#b8b8b8", "#c62828"
BEFORE, AFTER = 0, 1
DIAGRAM, VERDICTS, COUNTS = 0, 2, 4
"""Places of the axes, row by row."""


@pytest.fixture(scope="module")
def calibration():
    """Before: of four videos at 0.9 one is fake; after: they are at 0.23, the real one at 0.05."""
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1], np.int8)
    before = np.array([0.9, 0.9, 0.9, 0.05, 0.9, 0.97, 0.97, 0.97])
    after = np.array([0.23, 0.23, 0.23, 0.05, 0.23, 0.97, 0.97, 0.97])
    return Calibration(
        Decision(Platt(slope=1.0, intercept=-2.0), real_below=0.25, fake_above=0.75),
        log_loss=1.0,
        calibrated_log_loss=0.5,
        reliability=reliability(before, labels),
        calibrated_reliability=reliability(after, labels),
    )


@pytest.fixture(scope="module")
def axes(calibration):
    return _figure("xception on 8 eval videos", calibration).axes


VISIBLE = 0.005  # of a bin whose videos are all real


def bars(axes, colour):
    """Heights by the number of the bin, of bars of a colour."""
    return {
        int(bar.get_center()[0] * 15): bar.get_height()
        for bar in axes.patches
        if colors.to_hex(bar.get_facecolor()) == colour and np.isfinite(bar.get_height())
    }


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        pytest.param(BEFORE, {0: VISIBLE, 13: 0.25, 14: 1.0}, id="before calibration"),
        pytest.param(AFTER, {0: VISIBLE, 3: 0.25, 14: 1.0}, id="calibrated"),
    ],
)
def test_bars_are_as_high_as_the_share_of_fakes(axes, which, expected):
    # Bins without videos have no bar.
    assert bars(axes[DIAGRAM + which], SHARE) == pytest.approx(expected)


def test_counts(axes):
    before = axes[COUNTS + BEFORE]
    assert {place: count for place, count in bars(before, REAL).items() if count} == {0: 1, 13: 3}
    assert {place: count for place, count in bars(before, FAKE).items() if count} == {13: 1, 14: 3}


def test_verdicts_change_at_the_thresholds(axes):
    spans = [
        (colors.to_hex(patch.get_facecolor()), patch.get_extents().transformed(inverse).intervalx)
        for patch in axes[VERDICTS + AFTER].patches
        for inverse in [axes[VERDICTS + AFTER].transData.inverted()]
    ]
    ends = {colour: tuple(interval.round(6)) for colour, interval in spans if np.ptp(interval)}
    assert ends == {REAL: (0.0, 0.25), UNCERTAIN: (0.25, 0.75), FAKE: (0.75, 1.0)}


def test_the_png_is_in_these_colours_and_the_same_every_time(calibration):
    content = draw_reliability("xception on 8 eval videos", calibration)
    assert content == draw_reliability("xception on 8 eval videos", calibration)
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    assert pixels.shape == (900, 1200, 3)
    for colour in (SHARE, REAL, UNCERTAIN, FAKE):
        rgb = np.array(colors.to_rgb(colour)) * 255
        assert np.sum(np.all(pixels == rgb.round(), axis=2)) > 100
