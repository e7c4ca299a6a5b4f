import numpy as np
from PIL import Image

from models.training.checkpoints import Evaluation
from models.training.curves import draw_curves

HISTORY = [
    Evaluation(2, 0.7, 0.8, 0.65, 1e-3),
    Evaluation(4, 0.5, 0.95, 0.4, 5e-4),
    Evaluation(6, 0.4, 0.9, 0.45, 0.0),
]


def test_curves_in_their_colours_on_white(tmp_path):
    path = tmp_path / "curves.png"
    path.write_text("replaced")
    draw_curves(HISTORY, str(path), title="tiny")
    pixels = np.asarray(Image.open(path).convert("RGB"))
    assert min(pixels.shape[:2]) > 500
    # Training loss, loss on eval, AUC.
    for colour in ((0x1F, 0x77, 0xB4), (0xFF, 0x7F, 0x0E), (0x2C, 0xA0, 0x2C)):
        assert np.any(np.all(pixels == colour, axis=-1))
    assert np.mean(np.all(pixels == 255, axis=-1)) > 0.5


def test_one_evaluation_is_enough(tmp_path):
    draw_curves(HISTORY[:1], str(tmp_path / "curves.png"), title="tiny")
    assert Image.open(tmp_path / "curves.png").format == "PNG"
