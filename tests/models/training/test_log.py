import math

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from models.inputs import Batch
from models.training.checkpoints import Evaluation
from models.training.log import TrainingLog, duration

HISTORY = [
    Evaluation(2, 0.7, 0.8, 0.65, 1e-3),
    Evaluation(4, 0.5, 0.95, 0.4, 5e-4),
    Evaluation(6, 0.4, 0.9, 0.45, 0.0),
]


def batch():
    return Batch(
        images=tf.random.stateless_uniform([8, 1, 32, 32, 3], [0, 0], 0.0, 255.0),
        used=tf.ones([8, 1], tf.bool),
        labels=tf.constant([0.0, 1.0] * 4),
        weights=tf.ones(8),
        videos=tf.range(8),
    )


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.4, "59 s"), (65, "1 min 05 s"), (3600, "60 min 00 s")]
)
def test_duration(seconds, words):
    assert duration(seconds) == words


def test_prints_first_and_last_step_and_evaluations(capsys):
    with TrainingLog("tiny", 3, None, seconds_between=1000) as log:
        log.step(1, 0.7, 0.1, batch())
        log.step(2, 0.6, 0.1, batch())
        log.evaluated(Evaluation(2, 0.6, 0.9, 0.5, 0.1), best=True)
        log.step(3, 0.5, 0.1, batch())
    first, evaluation, last = capsys.readouterr().out.splitlines()
    assert first == "[tiny] step 1/3, loss 0.700"
    assert evaluation == "[tiny] step 2/3, eval AUC 0.900, the best yet"
    assert last.startswith("[tiny] step 3/3, loss 0.500, eval AUC 0.900, ")
    assert last.endswith("at most 0 s left")


def test_a_terminal_shows_a_bar(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("rich._console", None)  # the next tests' console is not forced
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "160")
    with TrainingLog("tiny", 3, None) as log:
        log.step(1, 0.7, 0.1, batch())
        log.evaluated(Evaluation(1, 0.6, 0.9, 0.5, 0.1), best=True)
        log.step(2, 0.623, 0.1, batch())
    shown = capsys.readouterr().out
    assert "2/3" in shown
    assert "loss 0.623" in shown
    assert "eval AUC 0.900" in shown
    assert "images/s" in shown


def test_tensorboard_holds_scalars_and_a_sheet_of_inputs(tmp_path):
    with TrainingLog("tiny", 3, str(tmp_path)) as log:
        log.step(1, 0.7, 0.1, batch())
        log.step(2, 0.6, 0.2, batch())
        log.evaluated(Evaluation(2, 0.6, 0.9, 0.5, 0.1), best=True)
    (path,) = (tmp_path / "tensorboard").iterdir()
    scalars, images = {}, {}
    for event in tf.compat.v1.train.summary_iterator(str(path)):
        for value in event.summary.value:
            tensor = tf.make_ndarray(value.tensor)
            if value.metadata.plugin_data.plugin_name == "images":
                images[value.tag] = tensor
            else:
                scalars[value.tag, event.step] = float(tensor)
    assert scalars["train/loss", 1] == pytest.approx(0.7)
    assert scalars["train/learning_rate", 2] == pytest.approx(0.2)
    assert scalars["train/images_per_second", 2] > 0
    assert scalars["eval/auc", 2] == pytest.approx(0.9)
    assert scalars["eval/log_loss", 2] == pytest.approx(0.5)
    # Width, height, then the images of each class.
    assert {tag: len(values) - 2 for tag, values in images.items()} == {
        "inputs/real": 4,
        "inputs/fake": 4,
    }
    first = tf.io.decode_png(images["inputs/fake"][2]).numpy()
    np.testing.assert_allclose(first, batch().images[1, 0], atol=1.0)


def test_the_end_leaves_a_table_and_curves(tmp_path):
    with TrainingLog("tiny", 3, str(tmp_path)) as log:
        log.finish(HISTORY)
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert lines[0] == "step,loss,auc,eval_loss,learning_rate"
    assert lines[2] == "4,0.5,0.95,0.4,0.0005"
    assert Image.open(tmp_path / "curves.png").format == "PNG"


def test_no_folder_nothing_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with TrainingLog("tiny", 3, None) as log:
        log.step(1, math.pi, 0.1, batch())
        log.finish(HISTORY)
    assert list(tmp_path.iterdir()) == []
