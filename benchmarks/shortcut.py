"""Shortcuts: how far a network relies on compression that differs by class, and what helps.

Usage: python -m benchmarks.shortcut [--network xception] [--steps 300] [--seeds 0 1]
       [--identities 60] [--pair REAL FAKE]

A network learns from a synthetic dataset whose reals were JPEGs of quality 75 to 95 and whose fakes
were of 5 to 20 before: with each seed three times, without JPEG and scaling among the
augmentation, with both at their default strengths, and with JPEG down to quality 5 on every pair
and scaling on half of them. What of its score compression explains is measured as
`models.evaluation` does it, on other identities: once with compression as unequal, once
with any quality from 5 to 95, whatever the class. What the AUC loses from one to the other was the
shortcut's: where it loses little without the augmentation, the network did not take the shortcut,
and these figures say nothing of what helps against it.

Then a real clip and its fake, of FaceForensics++ unless `--pair` names others, are encoded again
at each other's bit rate: how much does the score of each change, in log odds, when nothing but
compression does? The last lines are JSON, one a figure, the mean over the seeds beside `by_seed`;
the target of a share or change is what it is without the augmentation.
"""

import data.utils.environment  # noqa: F401 - before TensorFlow

# isort: split
import argparse
import contextlib
import pathlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence

import keras
import numpy as np
import numpy.typing as npt

from benchmarks.utils import compressed_videos
from benchmarks.utils.figures import print_figure
from benchmarks.utils.training import batches, make_config, make_step, write_source
from data.contract import Label, VideoExample
from models.config import AugmentationConfig, ModelConfig
from models.evaluation import (
    Estimate,
    Nuisances,
    ShortcutReport,
    measure_nuisances,
    measure_shortcut,
)
from models.inputs import CropSource
from models.networks import Classifier
from models.scoring import NetworkScorer, score_videos

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
    parser.add_argument("--network", default="xception", help="as `unmask networks` names it")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1])
    parser.add_argument("--identities", type=int, default=60, help="to learn from, and to measure")
    parser.add_argument("--pair", nargs=2, type=pathlib.Path, default=_PAIR)
    arguments = parser.parse_args()
    count = arguments.identities
    to_learn_from = compressed_videos.make_identities(0, count, _UNEQUAL)
    to_measure = {
        "unequal": compressed_videos.make_identities(count, count, _UNEQUAL),
        "any": compressed_videos.make_identities(count, count, _ANY),
    }
    pair = read_pair(*arguments.pair)
    values: dict[str, list[float]] = {}
    for seed in arguments.seeds:
        for key, augmentation in AUGMENTATIONS.items():
            print(f"seed {seed}, augmentation {key}", flush=True)
            config = make_config(
                arguments.network, compressed_videos.SIZE, augmentation=augmentation, seed=seed
            )
            network = learn(to_learn_from, config, arguments.steps)
            for name, value in measured(network, to_measure, pair):
                values.setdefault(f"{key}_{name}", []).append(value)
    means = {name: float(f"{np.mean(by_seed):.3g}") for name, by_seed in values.items()}
    for name, mean in means.items():
        key, _, rest = name.partition("_")
        target = None if key == "without" or rest.endswith("auc") else means.get(f"without_{rest}")
        by_seed = [float(f"{value:.3g}") for value in values[name]]
        print_figure(name, mean, unit=_unit(name), target=target, by_seed=by_seed)


def measured(
    network: Classifier,
    to_measure: Mapping[str, Sequence[VideoExample]],
    pair: Mapping[str, VideoExample],
) -> Iterator[tuple[str, float]]:
    """Names and values of how much compression explains of a network's scores; prints details."""
    for compression, videos in to_measure.items():
        report = measure(network, videos)
        print(f"  {compression} compression")
        for name, nuisance in report.nuisances.items():
            print(
                f"    {name}: score within reals {_text(nuisance.correlation_in_reals)}, within "
                f"fakes {_text(nuisance.correlation_in_fakes)}, AUC {_text(nuisance.label_auc)}"
            )
        for key, estimate in (
            ("explained_reals", report.explained_reals),
            ("explained_fakes", report.explained_fakes),
            ("label_auc", report.label_auc),
            ("model_auc", report.model_auc),
        ):
            if estimate.value is None:
                print(f"    {key}: {estimate.reason}")
            else:
                yield f"{compression}_{key}", estimate.value
    if pair:
        scores = score(network, list(pair.values())).round(3).tolist()
        logits = dict(zip(pair, scores, strict=True))
        print(f"  log odds {logits}", flush=True)
        for clip in ("real", "fake"):
            yield f"{clip}_recompressed", abs(logits[f"{clip} recompressed"] - logits[clip])


def learn(videos: Sequence[VideoExample], config: ModelConfig, steps: int) -> Classifier:
    """Trains a network by the trainer's own steps, at a constant rate."""
    keras.utils.set_random_seed(config.seed)
    network, step = make_step(config)
    with _crop_source(videos) as crop_source:
        losses = [float(step(batch)[0]) for batch in batches(crop_source, config).take(steps)]
    print(f"  last losses: {np.mean(losses[-20:]):.3f} nats", flush=True)
    return network


def measure(network: Classifier, videos: Sequence[VideoExample]) -> ShortcutReport:
    """How much nuisances explain of the scores of videos."""
    measured = np.array([measure_nuisances(video) for video in videos])
    return measure_shortcut(
        score(network, videos),
        np.array([video.annotation.label for video in videos], np.int8),
        np.unique([video.annotation.source_group for video in videos], return_inverse=True)[1],
        dict(zip(Nuisances._fields, measured.T, strict=True)),
    )


def score(network: Classifier, videos: Sequence[VideoExample]) -> npt.NDArray[np.float32]:
    """Log odds of videos, float32 [v], in their order."""
    with _crop_source(videos) as crop_source:
        return score_videos(
            NetworkScorer(network), crop_source, np.arange(len(crop_source.index.offset))
        )


def read_pair(real: pathlib.Path, fake: pathlib.Path) -> dict[str, VideoExample]:
    """A real and its fake, and both at each other's bit rate; none where a file is absent."""
    absent = [str(path) for path in (real, fake) if not path.is_file()]
    if absent:
        print(f"no pair of real clips is measured: {', '.join(absent)} is not there")
        return {}
    clips = {
        "real": compressed_videos.read_clip(str(real), Label.REAL, "pair"),
        "fake": compressed_videos.read_clip(str(fake), Label.FAKE, "pair"),
    }
    with tempfile.TemporaryDirectory(prefix="unmask-shortcut-") as folder:
        for name, path, other in (("real", real, "fake"), ("fake", fake, "real")):
            target = pathlib.Path(folder) / f"{name}.mp4"
            again = compressed_videos.recompress(
                str(path), target, clips[other].measurements.bit_rate
            )
            clips[f"{name} recompressed"] = compressed_videos.read_clip(
                again, Label[name.upper()], "pair"
            )
    for name, clip in clips.items():
        print(f"{name}: {measure_nuisances(clip)}", flush=True)
    return clips


@contextlib.contextmanager
def _crop_source(videos: Sequence[VideoExample]) -> Iterator[CropSource]:
    with (
        tempfile.TemporaryDirectory(prefix="unmask-shortcut-") as folder,
        write_source(videos, pathlib.Path(folder)) as crop_source,
    ):
        yield crop_source


def _text(estimate: Estimate) -> str:
    if estimate.value is None or estimate.interval is None:
        return f"n/a ({estimate.reason})"
    return "{:.2f} [{:.2f}, {:.2f}]".format(estimate.value, *estimate.interval)


def _unit(name: str) -> str:
    if name.endswith("recompressed"):
        return "log odds"
    return "AUC" if name.endswith("auc") else "share of the score"


if __name__ == "__main__":
    main()
