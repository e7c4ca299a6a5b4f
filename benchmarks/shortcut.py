"""Shortcuts: what a network owes to compression that tells its classes apart, and what helps.

Usage: python -m benchmarks.shortcut [--steps 600] [--identities 60] [--pair REAL FAKE]

Meso-4 learns from a synthetic dataset whose reals were JPEGs of quality 75 to 95 and whose fakes
were of 5 to 20 before: three times with the same seed, without JPEG and scaling among the
augmentation, with both at their default strengths, and with JPEG down to quality 5 on every pair
and scaling on half of them. What of its score compression explains is measured as
`models.shortcut` does it, on other identities: once with compression as unequal, once with any
quality from 5 to 95, whatever the class. What the AUC loses from one to the other was the
shortcut's: where it loses little without the augmentation, the network did not take the shortcut,
and these figures say nothing of what helps against it.

Then a real clip and its fake, of FaceForensics++ unless `--pair` names others, are encoded again
at each other's bit rate: how much does the score of each change, in log odds, when nothing but
compression does? The last lines are JSON, one a figure; the target of a share or change is what it
is without the augmentation.
"""

import data.environment  # noqa: F401 - before TensorFlow

# isort: split
import argparse
import contextlib
import json
import pathlib
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from benchmarks import shortcut_videos
from benchmarks.training import make_config
from benchmarks.training_crops import write_store
from data.contract import Label, VideoExample
from models import classifier, nuisances, optimizer, shortcut, trainer
from models.augmentation_config import AugmentationConfig
from models.classifier import Classifier
from models.crop_store import CropStore, evenly_spread
from models.input_pipeline import training_batches
from models.precision import choose
from models.scorer import NetworkScorer
from models.scoring import score_videos
from models.shortcut import ShortcutReport

AUGMENTATIONS = {
    "without": AugmentationConfig(jpeg_probability=0.0, scaling_probability=0.0),
    "default": AugmentationConfig(),
    "strong": AugmentationConfig(jpeg_probability=1.0, jpeg_min_quality=5, scaling_probability=0.5),
}

_UNEQUAL = {Label.REAL: (75, 95), Label.FAKE: (5, 20)}
_ANY = dict.fromkeys(Label, (5, 95))
_SHARED = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data" / "ffpp"
_PAIR = (
    _SHARED / "original_sequences" / "youtube" / "c23" / "videos" / "004.mp4",
    _SHARED / "manipulated_sequences" / "NeuralTextures" / "c23" / "videos" / "004_982.mp4",
)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--identities", type=int, default=60, help="to learn from, and to measure")
    parser.add_argument("--pair", nargs=2, type=pathlib.Path, default=_PAIR)
    arguments = parser.parse_args()
    count = arguments.identities
    to_learn_from = shortcut_videos.make_identities(0, count, _UNEQUAL)
    to_measure = {
        "unequal": shortcut_videos.make_identities(count, count, _UNEQUAL),
        "any": shortcut_videos.make_identities(count, count, _ANY),
    }
    pair = read_pair(*arguments.pair)
    figures: list[dict[str, Any]] = []
    for key, augmentation in AUGMENTATIONS.items():
        network = learn(to_learn_from, augmentation, arguments.steps)
        for compression, videos in to_measure.items():
            report = measure(network, videos)
            print(f"augmentation {key}, {compression} compression", flush=True)
            for name, found in report.nuisances.items():
                print(
                    f"  {name}: score within reals {_text(found.correlation_in_reals)}, within "
                    f"fakes {_text(found.correlation_in_fakes)}, AUC {_text(found.label_auc)}"
                )
            figures += _of_report(f"{key}_{compression}", report)
        if pair:
            scores = score(network, list(pair.values())).round(3).tolist()
            logits = dict(zip(pair, scores, strict=True))
            print(f"augmentation {key}: log odds {logits}", flush=True)
            for clip in ("real", "fake"):
                change = abs(logits[f"{clip} recompressed"] - logits[clip])
                figures.append(_figure(f"{key}_{clip}_recompressed", change, "log odds"))
    without = {figure["name"]: figure["value"] for figure in figures}
    for figure in figures:
        key, _, rest = figure["name"].partition("_")
        if key != "without" and not rest.endswith("auc"):
            figure["target"] = without[f"without_{rest}"]
        print(json.dumps(figure))


def learn(
    videos: Sequence[VideoExample], augmentation: AugmentationConfig, steps: int
) -> Classifier:
    """Trains a network by the trainer's own steps, at a constant rate."""
    config = make_config(
        "meso4", shortcut_videos.SIZE, augmentation=augmentation, precision="float32"
    )
    precision = choose(config.precision)
    network = classifier.build(config, precision.policy, weights=None)
    learner = optimizer.create(config, precision, network.trainable_variables)
    step = trainer._train_step(network, learner, tf.distribute.get_strategy())
    with _store(videos) as store:
        crops = evenly_spread(store.index, config.frames_per_video)
        losses = [float(step(b)[0]) for b in training_batches(store, crops, config).take(steps)]
    print(f"last losses: {np.mean(losses[-20:]):.3f} nats")
    return network


def measure(network: Classifier, videos: Sequence[VideoExample]) -> ShortcutReport:
    """What the scores of videos owe to nuisances."""
    columns = np.stack([nuisances.measure(video) for video in videos])
    return shortcut.measure(
        score(network, videos),
        np.array([video.label for video in videos], np.int8),
        np.unique([video.source_group for video in videos], return_inverse=True)[1],
        dict(zip(nuisances.NAMES, columns.T, strict=True)),
    )


def score(network: Classifier, videos: Sequence[VideoExample]) -> npt.NDArray[np.float32]:
    """Log odds of videos, float32 [v], in their order."""
    with _store(videos) as store:
        return score_videos(NetworkScorer(network), store, np.arange(len(store.index.offset)))


def read_pair(real: pathlib.Path, fake: pathlib.Path) -> dict[str, VideoExample]:
    """A real and its fake, and both at each other's bit rate; none where a file is absent."""
    absent = [str(path) for path in (real, fake) if not path.is_file()]
    if absent:
        print(f"no pair of real clips is measured: {', '.join(absent)} is not there")
        return {}
    clips = {
        "real": shortcut_videos.read_clip(str(real), Label.REAL, "pair"),
        "fake": shortcut_videos.read_clip(str(fake), Label.FAKE, "pair"),
    }
    with tempfile.TemporaryDirectory(prefix="unmask-shortcut-") as folder:
        for name, path, other in (("real", real, "fake"), ("fake", fake, "real")):
            target = pathlib.Path(folder) / f"{name}.mp4"
            again = shortcut_videos.recompress(str(path), target, clips[other].bit_rate)
            clips[f"{name} recompressed"] = shortcut_videos.read_clip(
                again, Label[name.upper()], "pair"
            )
    for name, clip in clips.items():
        measured = dict(zip(nuisances.NAMES, nuisances.measure(clip).round(2), strict=True))
        print(f"{name}: {measured}", flush=True)
    return clips


@contextlib.contextmanager
def _store(videos: Sequence[VideoExample]) -> Iterator[CropStore]:
    with (
        tempfile.TemporaryDirectory(prefix="unmask-shortcut-") as folder,
        write_store(videos, pathlib.Path(folder)) as store,
    ):
        yield store


def _of_report(name: str, report: ShortcutReport) -> Iterator[dict[str, Any]]:
    for key, finding, unit in (
        ("explained_reals", report.explained_reals, "share of the score"),
        ("explained_fakes", report.explained_fakes, "share of the score"),
        ("label_auc", report.label_auc, "AUC of nuisances"),
        ("model_auc", report.model_auc, "AUC of the model"),
    ):
        if finding.value is None:
            print(f"{name}_{key}: {finding.reason}")
        else:
            yield _figure(f"{name}_{key}", finding.value, unit)


def _text(finding: shortcut.Finding) -> str:
    if finding.value is None or finding.interval is None:
        return f"n/a ({finding.reason})"
    return "{:.2f} [{:.2f}, {:.2f}]".format(finding.value, *finding.interval)


def _figure(name: str, value: float, unit: str) -> dict[str, Any]:
    return {"name": name, "value": float(f"{value:.3g}"), "target": None, "unit": unit}


if __name__ == "__main__":
    main()
