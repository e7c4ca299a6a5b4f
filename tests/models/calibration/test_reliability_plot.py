import io

import numpy as np
import pytest
from PIL import Image, ImageColor

from models.calibration.calibration import Calibration
from models.calibration.calibrators import Platt
from models.calibration.decision import Decision
from models.calibration.reliability_plot import paint
from models.evaluation.metrics import reliability

SIDE, TOP, BOTTOM = 480, 150, 630
LEFT = (116, 680)
"""Of the two diagrams, pixels."""

SHARE, REAL, UNCERTAIN, FAKE = (
    ImageColor.getrgb(colour) for colour in ("#0072b2", "#1a7f37", "#b8b8b8", "#c62828")
)


@pytest.fixture(scope="module")
def picture():
    """Before: of four videos at 0.9 one is fake; after: they are at 0.25, the real one at 0.05."""
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1], np.int8)
    before = np.array([0.9, 0.9, 0.9, 0.05, 0.9, 0.97, 0.97, 0.97])
    after = np.array([0.23, 0.23, 0.23, 0.05, 0.23, 0.97, 0.97, 0.97])
    calibration = Calibration(
        Decision(Platt(slope=1.0, intercept=-2.0), real_below=0.25, fake_above=0.75),
        log_loss=1.0,
        calibrated_log_loss=0.5,
        reliability=reliability(before, labels),
        calibrated_reliability=reliability(after, labels),
    )
    content = paint("xception on 8 eval videos", calibration)
    return np.asarray(Image.open(io.BytesIO(content)))


def bar_height(picture, left, bin_number):
    """Rows of the bar's colour near its edge, where neither gap nor diagonal are drawn over."""
    column = left + bin_number * 32 + 6
    return np.sum(np.all(picture[TOP:BOTTOM, column] == SHARE, axis=1))


@pytest.mark.parametrize(
    ("left", "bin_number", "share"),
    [(LEFT[0], 13, 0.25), (LEFT[0], 14, 1.0), (LEFT[1], 14, 1.0)],
)
def test_bars_are_as_high_as_the_share_of_fakes(picture, left, bin_number, share):
    # The mean's mark and the diagonal cover a few rows.
    assert bar_height(picture, left, bin_number) == pytest.approx(share * SIDE, abs=7)


def test_bins_without_videos_are_empty_and_without_fakes_are_flat(picture):
    assert bar_height(picture, LEFT[0], 7) == 0
    assert 0 < bar_height(picture, LEFT[0], 0) < 5


def test_after_is_the_calibrated_reliability(picture):
    assert bar_height(picture, LEFT[1], 13) == 0
    assert bar_height(picture, LEFT[1], 3) == pytest.approx(0.25 * SIDE, abs=7)


def test_counts_are_in_proportion(picture):
    below = picture[690:845]
    reds = np.sum(np.all(below == FAKE, axis=2)[:, LEFT[0] : LEFT[0] + SIDE], axis=0)
    greens = np.sum(np.all(below == REAL, axis=2)[:, LEFT[0] : LEFT[0] + SIDE], axis=0)
    # Three reals and one fake at 0.9, three fakes at 0.97.
    reals, fake, fakes = (
        greens[13 * 32 :].max(),
        reds[13 * 32 : 14 * 32].max(),
        reds[14 * 32 :].max(),
    )
    assert reals == fakes == pytest.approx(150, abs=2)
    assert fake == pytest.approx(50, abs=2)


def test_verdicts_change_at_the_thresholds(picture):
    strip = picture[BOTTOM + 39, LEFT[1] : LEFT[1] + SIDE]
    colours = [tuple(colour) for colour in strip]
    assert colours == [REAL] * 120 + [UNCERTAIN] * 240 + [FAKE] * 120
