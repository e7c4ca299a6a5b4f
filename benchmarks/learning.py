"""Learning: every kind of network and both ensembles on the sample dataset, several seeds.

Usage: python -m benchmarks.learning [--seeds 0 1 2] [--output docs/learning.md] [--jobs 2]
       [--set key=value]

Trains what configs/learning.yaml names, once a seed, each as a run of the pipeline does (the same
entry, calibration and export), and measures the exported models on `test`, which chose nothing.
A killed run continues: what is finished is not done again. Each core trains a network
of its own: one network on two cores leaves a tenth of them idle, and half while it is built or
exported. Writes a table, and prints one line of JSON a figure, the minutes that it took among them.
"""

import argparse
import dataclasses
import json
import multiprocessing
import os
import pathlib
import shutil
import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent import futures
from typing import Any

import numpy as np
import tensorflow as tf
from sklearn.metrics import roc_auc_score

import configs
import data.utils.environment  # noqa: F401 - before Keras
from benchmarks.utils.figures import print_figure
from data import contract, example_encoding
from data.datasets import read_listing
from data.extraction import ExtractionOptions, job
from data.faces import FaceOptions
from data.synthetic import generator
from data.utils import files
from data.utils.code_hash import code_hash
from models.calibration import Calibrator, Temperature
from models.code_version import code_version
from models.ensembles import build_ensemble
from models.evaluation import auc_interval, reliability
from models.training import run_fn
from pipeline import config as run_config
from pipeline import transform_graph

BEST_AUC, LARGEST_LOSS, MOST_MINUTES = 0.95, 0.01, 90
_CONFIG = configs.FOLDER / "learning.yaml"


@dataclasses.dataclass
class Arguments:
    """The attributes of `FnArgs` that `models.training.run_fn.run_fn` reads."""

    train_files: Sequence[str]
    eval_files: Sequence[str]
    transform_output: str
    serving_model_dir: str
    model_run_dir: str
    custom_config: Mapping[str, Any]
    hyperparameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def main() -> None:
    """Trains, measures, writes and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("docs/learning.md"))
    parser.add_argument("--set", nargs="*", default=[], help="overrides of configs/learning.yaml")
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--jobs", type=int, default=cores, help="models at a time, a core each")
    arguments = parser.parse_args()
    began = time.monotonic()
    config = run_config.load(_CONFIG, arguments.set)
    if any(one.calibration != "temperature" for one in (*config.models, *config.ensembles)):
        parser.error("--set calibration: raw scores can be computed from temperature's alone")
    # Results of other code or other data are kept.
    made_by = code_hash(
        "data.synthetic.generator",
        "data.datasets.synthetic",
        "data.extraction.job",
        "models.transform.preprocessing",
        "pipeline.transform_graph",
    )
    root = pathlib.Path(config.examples).parent / made_by
    prepare(root)
    results = measure_all(config, arguments.seeds, root, arguments.jobs)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(table(results, config))
    print_figures(results, config)
    print_figure(
        "learning_minutes",
        (time.monotonic() - began) / 60,
        unit="minutes, without what was finished before",
        target=MOST_MINUTES,
    )


def prepare(root: pathlib.Path) -> None:
    """Makes the dataset, its Examples as TFX writes them, and the Transform graph."""
    dataset, examples = root / "dataset", root / "examples"
    generator.generate_once(dataset)
    listing = read_listing("synthetic", str(dataset))
    options = ExtractionOptions(faces=FaceOptions(frames_per_video=6))
    job.extract([listing], str(examples), options)
    for split in contract.SPLITS:
        path = root / "zipped" / f"{split}.gz"
        if not path.is_file():
            path.parent.mkdir(exist_ok=True)
            shards = sorted(str(shard) for shard in examples.glob(f"{split}-*-of-*"))
            with tf.io.TFRecordWriter(f"{path}.partial", "GZIP") as writer:
                for record in tf.data.TFRecordDataset(shards).as_numpy_iterator():
                    writer.write(record)
            pathlib.Path(f"{path}.partial").rename(path)
    if not (root / "transform").is_dir():
        partial = root / "transform.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        transform_graph.analyze([str(examples / "train-*-of-*")], str(partial))
        partial.rename(root / "transform")


def measure_all(
    config: run_config.RunConfig, seeds: Sequence[int], root: pathlib.Path, jobs: int
) -> list[dict[str, Any]]:
    """The results of `measure` for each model and seed, by seed and then in the config's order."""
    results: dict[tuple[int, str], dict[str, Any]] = {}
    spawn = multiprocessing.get_context("spawn")
    with futures.ProcessPoolExecutor(jobs, spawn, initializer=take_one_core) as pool:
        # Ensembles are made of what the networks have come to be.
        for kind in (config.models, config.ensembles):
            started = [
                pool.submit(measure, config, one.name, seed, root) for one in kind for seed in seeds
            ]
            for done in futures.as_completed(started):
                result = done.result()
                results[result["seed"], result["name"]] = result
                print(json.dumps(result), flush=True)
    return [results[seed, name] for seed in seeds for name in config.candidates]


def take_one_core() -> None:
    """Limits a worker to one core, and lets it end with the process that started it."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    threading.Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """Ends this process as soon as its parent has ended in any way."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def measure(
    config: run_config.RunConfig, name: str, seed: int, root: pathlib.Path
) -> dict[str, Any]:
    """Makes a model, unless it is there already, and measures it on `test`."""
    folder = root / f"seed{seed}" / name
    done = folder / "result.json"
    made_of = [*config.settings_of(name), code_version()]
    if done.is_file():
        result = dict(json.loads(done.read_text()))
        if result.pop("made_of") == made_of:
            return result
    started = time.monotonic()
    make(config, name, seed, root, folder)
    result = {"name": name, "seed": seed, "minutes": round((time.monotonic() - started) / 60, 1)}
    result |= score(folder / "model", root / "zipped" / "test.gz")
    files.write(str(done), json.dumps({**result, "made_of": made_of}).encode())
    return result


def make(
    config: run_config.RunConfig, name: str, seed: int, root: pathlib.Path, folder: pathlib.Path
) -> None:
    """Trains a network, or joins those that are trained."""
    transform_output = str(root / "transform" / "transform_graph")
    eval_files = [str(root / "zipped" / "eval.gz")]
    for model in config.models:
        if model.name == name:
            seeded = model.model_copy(update={"seed": seed})
            run_fn.run_fn(
                Arguments(
                    train_files=[str(root / "zipped" / "train.gz")],
                    eval_files=eval_files,
                    transform_output=transform_output,
                    serving_model_dir=str(folder / "model"),
                    model_run_dir=str(folder / "run"),
                    custom_config={
                        "model": seeded.model_dump_json(),
                        "code_hash": code_version(),
                        "checkpoints": str(root / "checkpoints"),
                    },
                )
            )
            return
    (chosen,) = (each for each in config.ensembles if each.name == name)
    build_ensemble(
        chosen,
        [str(folder.parent / member / "model") for member in chosen.members],
        eval_files,
        transform_output,
        folder=str(folder / "model"),
        run_folder=str(folder / "run"),
        card={},
    )


def score(model: pathlib.Path, test: pathlib.Path) -> dict[str, Any]:
    """Measures an exported model on `test`.

    Returns:
        AUC with its 95 % interval, and the calibration error of 15 bins of its raw and of its
        calibrated probabilities.
    """
    signature = tf.saved_model.load(str(model)).signatures["serving_examples"]
    records = list(tf.data.TFRecordDataset([str(test)], "GZIP").as_numpy_iterator())
    videos = [example_encoding.parse(record) for record in records]
    calibrated = signature(examples=tf.constant(records))["fake_probability"].numpy()
    card = json.loads((model / "assets.extra" / "model.json").read_text())
    calibrator = Calibrator.from_json(card["calibration"])
    assert isinstance(calibrator, Temperature)
    odds = calibrated.astype(np.float64).clip(1e-7, 1 - 1e-7)
    raw = 1 / (1 + (odds / (1 - odds)) ** -calibrator.temperature)
    labels = np.array([video.annotation.label for video in videos], np.int8)
    groups = np.unique([video.annotation.source_group for video in videos], return_inverse=True)[1]
    return {
        "auc": float(roc_auc_score(labels, calibrated)),
        "interval": list(auc_interval(calibrated, labels, groups.astype(np.int32))),
        "calibration_error": reliability(raw, labels).expected_calibration_error,
        "calibrated_calibration_error": reliability(odds, labels).expected_calibration_error,
        "videos": len(labels),
        "fakes": int(labels.sum()),
        "groups": len(np.unique(groups)),
    }


def table(results: Sequence[Mapping[str, Any]], config: run_config.RunConfig) -> str:
    """A page with one row a network."""
    first = results[0]
    seeds = sorted({result["seed"] for result in results})
    lines = [
        "# What the networks learn of the sample dataset",
        "",
        "Made by `python -m benchmarks.learning`, from scratch; settings: `configs/learning.yaml`. "
        f"`test` holds {first['videos'] - first['fakes']} real and {first['fakes']} fake videos of "
        f"{first['groups']} groups; stopping, calibration and ensembles' weights use `eval` alone. "
        f"Seeds: {', '.join(map(str, seeds))}. Minutes are the clock's, on one core, with another "
        "training on the other.",
        "",
        "The dataset is one portrait in many looks and fakes with a seam of this generator's own: "
        "that a network learns it shows that the road works, and says nothing of other "
        "manipulations. So few videos leave the calibration error itself unsure: a few hundredths "
        "more or less after calibration say little.",
        "",
        "| model | AUC by seed | mean | 95 % interval, middle seed | calibration error, 15 bins | "
        "after calibration | minutes, median |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in config.candidates:
        mine = [result for result in results if result["name"] == name]
        middle = sorted(mine, key=lambda result: result["auc"])[len(mine) // 2]
        low, high = middle["interval"]
        minutes = statistics.median(result["minutes"] for result in mine)

        def mean(key: str, results: Sequence[Mapping[str, Any]] = mine) -> float:
            return statistics.mean(result[key] for result in results)

        lines.append(
            f"| {name} | {' '.join(format(result['auc'], '.3f') for result in mine)} | "
            f"{mean('auc'):.3f} | {low:.3f} to {high:.3f} | {mean('calibration_error'):.3f} | "
            f"{mean('calibrated_calibration_error'):.3f} | {minutes:.1f} |"
        )
    return "\n".join(lines) + "\n"


def print_figures(results: Sequence[Mapping[str, Any]], config: run_config.RunConfig) -> None:
    """Prints the figures that have a target, means over the seeds."""

    def auc(name: str) -> float:
        return statistics.mean(result["auc"] for result in results if result["name"] == name)

    frame = max(auc(model.name) for model in config.models if model.head == "frame")
    print_figure("learning_best_frame_network_auc", frame, unit="AUC", target=BEST_AUC)
    for chosen in config.ensembles:
        gain = auc(chosen.name) - max(map(auc, chosen.members))
        name = f"learning_{chosen.name}_over_best_member"
        print_figure(name, gain, unit="AUC", target=-LARGEST_LOSS)


if __name__ == "__main__":
    main()
