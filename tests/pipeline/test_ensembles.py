"""A run of two small networks and their ensemble on tiny real Examples."""

import json
import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from data import example_encoding
from pipeline import config, evaluation, report, runner
from tests import tiny_dataset

pytestmark = pytest.mark.slow

CONFIG = """
name: tiny-ensemble
examples: {folder}/examples
output: {folder}/run
serving_root: {folder}/serving
models:
  - &member
    model: meso4
    name: first
    image_size: 32
    weights: null
    precision: float32
    batch_size: 8
    steps: 40
    learning_rate: 0.003
    eval_interval: 40
    frames_per_video: 3
    augmentation:
      {{rotation: 0, zoom: 0, shift: 0.03, colour_probability: 0, blur: 0, scaling: 0, noise: 0,
       jpeg_min_quality: 100, cutout: 0}}
  - {{<<: *member, name: second, seed: 1}}
ensembles:
  - {{name: both, members: [first, second], weights: [1, 3]}}
evaluation:
  slices: []
  gate:
    - {{metric: auc, lower: 0.1}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ensembles")
    tiny_dataset.write(folder / "examples")
    (folder / "run.yaml").write_text(CONFIG.format(folder=folder))
    return folder


@pytest.fixture(scope="module")
def outcome(folder):
    return runner.run(config.load(folder / "run.yaml"))


def probabilities(folder, model):
    path = folder / "serving" / model.model / model.version
    signature = tf.saved_model.load(str(path)).signatures["serving_examples"]
    videos = tiny_dataset.make_split("test", 8)
    examples = tf.constant([example_encoding.encode(video) for video in videos])
    labels = np.array([video.annotation.label for video in videos])
    return signature(examples=examples)["fake_probability"].numpy().astype(float), labels


def test_an_ensemble_is_judged_and_pushed_next_to_its_members(outcome, folder):
    assert [model.model for model in outcome.models] == ["first", "second", "both"]
    assert [model.refusals for model in outcome.models] == [[], [], []]
    for step in ("Ensemble", "ServingBaseline", "Evaluator", "ServingCheck", "AtomicPusher"):
        assert f"{step}.both" in outcome.ran
    pushed = {path.name for path in (folder / "serving").iterdir()}
    assert pushed == {"first", "second", "both"}


def test_it_scores_by_its_members(outcome, folder):
    first, second, both = (probabilities(folder, model)[0] for model in outcome.models)
    mean = (first + 3 * second) / 4
    # Its own calibration is a temperature, which keeps the order and the even odds.
    assert np.array_equal(np.argsort(both), np.argsort(mean))
    path = folder / "serving" / "both" / outcome.models[2].version
    card = json.loads((path / "assets.extra" / "model.json").read_text())
    temperature = card["calibration"]["temperature"]
    np.testing.assert_allclose(both, 1 / (1 + (1 / mean - 1) ** (1 / temperature)), atol=1e-4)
    made_of = card["ensemble"]
    assert made_of.pop("config")["members"] == ["first", "second"]
    assert made_of == {"method": "weighted", "weights": [0.25, 0.75]}


def test_it_is_measured_on_test_like_any_model(outcome, folder):
    from sklearn.metrics import roc_auc_score

    (measured,) = evaluation.read_metrics(outcome.models[2].evaluation)
    scores, labels = probabilities(folder, outcome.models[2])
    assert measured.videos == 8
    # TFMA sums over bins of the score.
    assert measured.auc == pytest.approx(roc_auc_score(labels, scores), abs=0.02)


def test_trainings_that_ended_leave_no_checkpoint(outcome, folder):
    # The folder itself is there only because there were some.
    assert list((folder / "run" / "checkpoints").iterdir()) == []


def test_the_report_names_what_was_drawn(outcome, folder, capsys):
    report.report(outcome, folder / "run", str(folder / "serving"))
    printed = "".join(capsys.readouterr().out.split())
    for model in outcome.models:
        assert f"{model.model}:servingasversion{model.version}" in printed
        assert f"curvesandcalibration:{os.path.relpath(model.plots)}" in printed
        drawn = {path.name for path in pathlib.Path(model.plots).iterdir()}
        curves = {"curves.png", "history.csv", "tensorboard"} if model.model != "both" else set()
        assert drawn >= {"reliability.png", *curves}
