"""The whole graph on tiny real Examples: kill, push, cache, refuse, stop. Runs share one folder."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import textwrap

import pytest
import tensorflow as tf
import typer
from typer.testing import CliRunner

from data import example_encoding
from data.utils.errors import UsageError
from pipeline import commands, config, evaluation, graph, run_outcome, runner
from tests import tiny_dataset

pytestmark = pytest.mark.slow

COMPONENTS = [
    "ImportExampleGen",
    "ImportSchemaGen",
    "StatisticsGen",
    "ExampleValidator",
    "SplitAudit",
    "Transform",
    "Trainer.meso4",
    "ServingBaseline.meso4",
    "Evaluator.meso4",
    "ServingCheck.meso4",
    "AtomicPusher.meso4",
]
CONFIG = """
name: tiny
examples: {folder}/examples
output: {folder}/run
serving_root: {folder}/serving
models:
  - model: meso4
    image_size: 32
    weights: null
    precision: float32
    batch_size: 8
    steps: 60
    learning_rate: 0.003
    eval_interval: 60
    frames_per_video: 3
    augmentation:
      {{rotation: 0, zoom: 0, shift: 0.03, colour_probability: 0, blur: 0, scaling: 0,
       jpeg_min_quality: 100, cutout: 0}}
evaluation:
  slices: [slice/method, slice/face_size]
  gate:
    - {{metric: auc, lower: 0.8, largest_drop: 0.05}}
    - {{metric: auc, slice: {{slice/method: Redder}}, lower: 0.8}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipeline")
    tiny_dataset.write(folder / "examples")
    (folder / "run.yaml").write_text(CONFIG.format(folder=folder))
    return folder


@pytest.fixture(scope="module")
def loaded(folder):
    return config.load(folder / "run.yaml")


KILLED_RUN = """
    import data.utils.environment, os, pathlib, signal, sys
    import tensorflow as tf
    from pipeline import config, runner

    original = tf.io.gfile.copy
    def kill_in_mid_push(source, target, overwrite=False):
        if ".incoming-" in target and target.endswith("saved_model.pb"):
            os.kill(os.getpid(), signal.SIGKILL)
        original(source, target, overwrite)
    tf.io.gfile.copy = kill_in_mid_push
    runner.run(config.load(pathlib.Path(sys.argv[1])))
"""


@pytest.fixture(scope="module")
def killed(folder):
    """A first run that is killed when all of the model but its last file is copied."""
    command = [sys.executable, "-c", textwrap.dedent(KILLED_RUN), str(folder / "run.yaml")]
    process = subprocess.run(command, cwd=pathlib.Path(__file__).parents[2], check=False)
    assert process.returncode == -signal.SIGKILL
    return sorted(os.listdir(folder / "serving" / "meso4"))


@pytest.fixture(scope="module")
def first(killed, loaded):
    return runner.run(loaded)


def change_model_code(patch, code):
    """What editing a file of models/training does: the hash of what trains is another."""
    code_hash = graph.code_hash

    def changed(*entries):
        return code if "models.training.run_fn" in entries else code_hash(*entries)

    patch.setattr(graph, "code_hash", changed)


def versions(folder):
    return sorted(os.listdir(folder / "serving" / "meso4"))


def test_a_run_killed_in_mid_push_leaves_no_version_and_the_next_one_completes(killed, first):
    assert len(killed) == 1
    assert killed[0].startswith(".incoming-")
    assert first.ran == ["AtomicPusher.meso4"]
    assert sorted(first.cached + first.ran) == sorted(COMPONENTS)


def test_a_blessed_model_is_served_whole(first, folder):
    (model,) = first.models
    assert model.refusals == []
    assert versions(folder) == [model.version]
    pushed = tf.saved_model.load(str(folder / "serving" / "meso4" / model.version))
    assert set(pushed.signatures) == {
        "serving_default",
        "serving_tracks",
        "serving_examples",
        "serving_frames",
        "transform_features",
        "transform_labels",
    }


def test_metrics_count_videos_of_test_by_slice(first, folder):
    metrics = {row.slice: row for row in evaluation.read_metrics(first.models[0].evaluation)}
    assert metrics["all videos"].videos == 8
    # A real counts in its dataset's every method, so that the slice holds both classes.
    assert metrics["slice/method = Redder"].videos == 8
    sizes = {name: row for name, row in metrics.items() if name.startswith("slice/face_size")}
    assert sum(row.videos for row in sizes.values()) == 8
    scores = score_directly(folder / "serving" / "meso4" / first.models[0].version)
    expected = tf.keras.metrics.AUC(num_thresholds=10_000)
    expected.update_state([label for label, _ in scores], [score for _, score in scores])
    assert metrics["all videos"].auc == pytest.approx(float(expected.result()), abs=1e-3)


def score_directly(version):
    signature = tf.saved_model.load(str(version)).signatures["serving_examples"]
    videos = tiny_dataset.make_split("test", 8)
    records = [example_encoding.encode(video) for video in videos]
    scores = signature(examples=tf.constant(records))["fake_probability"].numpy()
    return list(zip((video.annotation.label for video in videos), scores, strict=True))


def test_the_resolved_configuration_stands_beside_the_run(first, folder, loaded):
    assert config.load(folder / "run" / config.FILE_NAME) == loaded


def test_an_unchanged_run_is_cached_and_pushes_nothing(first, folder, loaded):
    again = runner.run(loaded)
    assert again.ran == []
    assert sorted(again.cached) == sorted(COMPONENTS)
    assert again.models[0].version == first.models[0].version
    assert versions(folder) == [first.models[0].version]


def test_the_metrics_command_reads_the_latest_run(first, folder):
    app = typer.Typer()
    app.command()(commands.metrics)
    result = CliRunner().invoke(app, [str(folder / "run")])
    assert result.exit_code == 0
    assert "slice/method = Redder" in result.output


@pytest.fixture(scope="module")
def refused(first, folder):
    """A candidate trained on shuffled labels by changed code, through the command line."""
    examples = folder / "mislabelled"
    tiny_dataset.write(examples, fingerprint="mislabelled", mislabel=True)
    app = typer.Typer()
    app.command()(commands.run)
    with pytest.MonkeyPatch.context() as patch:
        change_model_code(patch, "changed")
        arguments = ["--config", str(folder / "run.yaml"), "--set", f"examples={examples}"]
        absent = "evaluation.gate.1.slice={slice/method: Absent}"
        return CliRunner().invoke(app, [*arguments, "--set", absent])


def test_a_worse_candidate_is_refused_and_the_served_version_stays(refused, first, folder):
    assert refused.exit_code == commands.EXIT_REFUSED
    assert "meso4: refused, not pushed" in refused.output
    plain = " ".join(refused.output.split())
    assert "all videos: auc is" in plain
    assert "the gate requires 0.8 or more" in plain
    assert "below the served model's, the gate allows 0.05" in plain
    assert "slice/method = Absent: no video of `test` is in this slice" in plain
    assert versions(folder) == [first.models[0].version]


def test_a_cached_refusal_is_a_refusal_too(refused, folder):
    examples = folder / "mislabelled"
    with pytest.MonkeyPatch.context() as patch:
        change_model_code(patch, "changed")
        overrides = ["evaluation.gate.1.slice={slice/method: Absent}", f"examples={examples}"]
        outcome = runner.run(config.load(folder / "run.yaml", overrides))
    assert outcome.ran == []
    assert outcome.models[0].version is None
    assert outcome.models[0].refusals


def test_changed_model_code_is_trained_again(first, loaded, monkeypatch):
    change_model_code(monkeypatch, "newer")
    outcome = runner.run(loaded)
    assert "Trainer.meso4" in outcome.ran
    assert {"ImportExampleGen", "SplitAudit", "Transform"} <= set(outcome.cached)


def test_a_version_that_somebody_removed_is_pushed_again(first, folder, loaded):
    served = runner.run(loaded).models[0].version
    assert versions(folder)[-1] == served, "back to the first candidate, which is pushed anew"
    shutil.rmtree(folder / "serving" / "meso4" / served)
    again = runner.run(loaded)
    assert "Trainer.meso4" in again.cached
    assert versions(folder)[-1] == again.models[0].version != served


def test_leakage_stops_the_run_before_training_and_nothing_is_guessed(folder, loaded):
    examples = folder / "leaking"
    tiny_dataset.write(examples, fingerprint="leaking")
    leaked = tiny_dataset.make_video(7777, 1, "tiny/train0")
    with tf.io.TFRecordWriter(str(examples / "test-00000-of-00001")) as writer:
        for video in [*tiny_dataset.make_split("test", 8), leaked]:
            writer.write(example_encoding.encode(video))
    stopped = folder / "stopped"
    changed = loaded.model_copy(update={"examples": str(examples), "output": str(stopped)})
    with pytest.raises(UsageError, match=r"source group tiny/train0 is in .*tiny/7777.mp4"):
        runner.run(changed)
    assert not list(stopped.rglob("Trainer*"))
    with pytest.raises(UsageError, match="ended before meso4 was judged; run it again"):
        run_outcome.read_outcome(stopped, changed)
