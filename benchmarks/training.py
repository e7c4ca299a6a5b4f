"""Training: what the input pipeline costs, bfloat16 against float32, and how step and memory grow.

Usage: python -m benchmarks.training [--parts input precision memory frames] [--image-size 224]

Steps are the trainer's own, on two cores. Other work on a shared machine inflates seconds, so
what is compared runs by turns, and the median of the rounds' ratios counts. Parts:

- `input`: steps whose batches come from TFRecords, augmented by default settings, against the
  same steps on batches that are in memory already. The machine's speed changes within seconds, so
  the two kinds of step alternate. A step takes far longer than preparing the batch that replaces
  its own, so nothing is prepared on the other's time; the crops for which that was not so are
  counted. Reading the TFRecords into the crop source, once a training, is printed too.
- `precision`: seconds of a step in bfloat16 against float32, on batches in memory.
- `memory`: peak resident memory of a fresh interpreter that trains, by batch size.
- `frames`: seconds of a step and peak memory of the head `lstm`, by frames of a sample.

The last lines are JSON, one a figure; only `input` has targets.
"""

import data.utils.environment  # noqa: F401 - before TensorFlow

# isort: split
import argparse
import contextlib
import dataclasses
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from scipy import stats

from benchmarks.utils.figures import memory_mib, print_figure
from benchmarks.utils.training import CROPS, batches, make_config, make_source, make_step
from models.config import ModelConfig
from models.inputs import Batch, CropSource
from models.training import choose_precision

CORES = 2
TARGET_RATIO = 1.05
PARTS = ("input", "precision", "memory", "frames")
PRECISIONS = ("float32", "mixed_bfloat16")

_WARM_UP = 3  # steps, before any is timed
_SMALL = 96  # pixels a side, for sequences
_SEQUENCES = 2  # in a batch
_PROBED_STEPS = 6


@dataclasses.dataclass(frozen=True)
class Duration:
    """How long steps took, a crop: seconds, and seconds of this process's CPU time."""

    wall_s: float
    cpu_s: float


class CountingSource(CropSource):
    """A crop source that counts what is read from it.

    Attributes:
        reads: crops.
    """

    reads = 0

    @classmethod
    def of(cls, crop_source: CropSource, folder: pathlib.Path) -> "CountingSource":
        """The same crops, counted; `make_source` wrote them to the folder."""
        return cls(
            str(folder / CROPS), crop_source.index, crop_source.video_ids, crop_source.fingerprint
        )

    def read(self, crop: int) -> bytes:
        """The JPEG of a crop."""
        self.reads += 1
        return super().read(crop)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--networks", nargs="+", default=["efficientnet_v2_b0", "xception"])
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--batch-size", type=int, default=8, help="of input and precision")
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=[8, 16, 32], help="of memory")
    parser.add_argument("--lengths", nargs="+", type=int, default=[4, 8, 16], help="of frames")
    parser.add_argument("--steps", type=int, default=100, help="of each kind, of input")
    parser.add_argument("--rounds", type=int, default=8, help="of precision")
    parser.add_argument("--probe", help=argparse.SUPPRESS)  # a config: what a fresh one measures
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    if arguments.probe:
        print(json.dumps(probe(ModelConfig.model_validate_json(arguments.probe))))
        return
    measure = {
        "input": measure_input,
        "precision": measure_precision,
        "memory": measure_memory,
        "frames": measure_frames,
    }
    figures: list[dict[str, Any]] = []
    for part in arguments.parts:
        print(f"{part}: load {os.getloadavg()[0]:.1f} before", flush=True)
        with tempfile.TemporaryDirectory(prefix="unmask-training-") as folder:
            figures += measure[part](arguments, pathlib.Path(folder))
        print(f"{part}: load {os.getloadavg()[0]:.1f} after", flush=True)
    for figure in figures:
        print_figure(**figure)


def measure_input(arguments: argparse.Namespace, folder: pathlib.Path) -> Iterator[dict[str, Any]]:
    """The part `input`."""
    started = time.perf_counter()
    with make_source(folder) as written:
        store_s = (time.perf_counter() - started) / len(written.index.offset)
        for name in arguments.networks:
            with contextlib.closing(CountingSource.of(written, folder)) as crop_source:
                config = make_config(name, arguments.image_size, batch_size=arguments.batch_size)
                _, step = make_step(config)
                kept = list(batches(crop_source, config).take(2))
                run(step, kept)
                source = iter(batches(crop_source, config))
                run(step, itertools.islice(source, _WARM_UP))
                alone, piped, unfair = [], [], 0
                for number in range(arguments.steps):
                    before = crop_source.reads
                    alone.append(run(step, [kept[number % 2]]))
                    unfair += crop_source.reads - before
                    piped.append(run(step, itertools.islice(source, 1)))
                fed = run(lambda _: [0.0], itertools.islice(source, arguments.steps))
                del source
            wall_s, cpu_s = _median(alone, "wall_s"), _median(alone, "cpu_s")
            ratios = [b.wall_s / a.wall_s for a, b in zip(alone, piped, strict=True)]
            cpu_ratios = [b.cpu_s / a.cpu_s for a, b in zip(alone, piped, strict=True)]
            interval = stats.bootstrap([ratios], np.median, method="percentile", random_state=0)
            low, high = interval.confidence_interval
            print(
                f"{name}, {choose_precision(config.precision).policy}, "
                f"medians of {arguments.steps} steps: "
                f"in memory {_ms(wall_s)} a crop ({_ms(cpu_s)} of CPU), from TFRecords "
                f"{_ms(_median(piped, 'wall_s'))} ({_ms(_median(piped, 'cpu_s'))}); ratio's 95 % "
                f"interval {low:.3f} to {high:.3f}; input alone {_ms(fed.wall_s)} a crop "
                f"({_ms(fed.cpu_s)} of CPU); {unfair} crops prepared on the other's time",
                flush=True,
            )
            ratio = statistics.median(ratios)
            yield _figure(f"{name}_input_pipeline", ratio, "ratio of time", TARGET_RATIO)
            yield _figure(f"{name}_input_cpu", statistics.median(cpu_ratios), "ratio of CPU time")
            yield _figure(f"{name}_input_share", fed.cpu_s / cpu_s, "of training's CPU time")
            yield _figure(f"{name}_input_unfair", unfair, "crops prepared on the other's time", 0)
            yield _figure(f"{name}_crop_source", store_s / wall_s, "of an epoch's time, once")


def measure_precision(
    arguments: argparse.Namespace, folder: pathlib.Path
) -> Iterator[dict[str, Any]]:
    """The part `precision`."""
    with make_source(folder) as crop_source:
        for name in arguments.networks:
            steps: dict[str, Any] = {}
            kept: list[Batch] = []
            for precision in PRECISIONS:
                config = make_config(
                    name,
                    arguments.image_size,
                    batch_size=arguments.batch_size,
                    precision=precision,
                )
                _, steps[precision] = make_step(config)
                kept = kept or list(batches(crop_source, config).take(1))
                run(steps[precision], 2 * kept)
            times: dict[str, list[float]] = {precision: [] for precision in PRECISIONS}
            for _ in range(arguments.rounds):
                for precision, step in steps.items():
                    times[precision].append(run(step, kept).wall_s * arguments.batch_size)
            for precision in PRECISIONS:
                yield _figure(f"{name}_{precision}_step", statistics.median(times[precision]), "s")
            ratios = [b / a for a, b in zip(*times.values(), strict=True)]
            print(f"{name}: bfloat16 over float32 by round {[round(r, 2) for r in ratios]}")
            yield _figure(f"{name}_bfloat16_over_float32", statistics.median(ratios), "ratio")


def measure_memory(arguments: argparse.Namespace, _: pathlib.Path) -> Iterator[dict[str, Any]]:
    """The part `memory`."""
    for name in arguments.networks:
        for precision in PRECISIONS:
            for size in arguments.batch_sizes:
                config = make_config(
                    name, arguments.image_size, batch_size=size, precision=precision
                )
                measures = probe_afresh(config)
                label = f"{name}_{precision}_batch_{size}"
                yield _figure(f"{label}_peak_memory", measures["peak_mib"], "MiB")
                yield _figure(f"{label}_memory_of_start", measures["start_mib"], "MiB")


def measure_frames(arguments: argparse.Namespace, _: pathlib.Path) -> Iterator[dict[str, Any]]:
    """The part `frames`."""
    for name in arguments.networks:
        for length in arguments.lengths:
            config = make_config(
                name, _SMALL, batch_size=_SEQUENCES, head="lstm", sequence_length=length
            )
            measures = probe_afresh(config)
            yield _figure(f"{name}_lstm_{length}_frames_step", measures["step_s"], "s")
            yield _figure(f"{name}_lstm_{length}_frames_peak_memory", measures["peak_mib"], "MiB")


def probe_afresh(config: ModelConfig) -> dict[str, float]:
    """What `probe` measures in an interpreter of its own."""
    command = [sys.executable, "-m", "benchmarks.training", "--probe", config.model_dump_json()]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    measures = json.loads(done.stdout.splitlines()[-1])
    print(f"{config.name}, batch {config.batch_size}, {config.precision}: {measures}", flush=True)
    return measures


def probe(config: ModelConfig) -> dict[str, float]:
    """Trains a little on one batch in memory.

    Args:
        config: what is trained.

    Returns:
        `step_s`: the fastest step after the first, seconds; `start_mib`, `peak_mib`: resident
        memory at its highest before the first step, with the network built, and at the end.
    """
    length = config.sequence_length if config.head == "lstm" else 1
    shape = [config.batch_size, length, config.image_size, config.image_size, 3]
    noise = np.random.default_rng(0).uniform(0, 255, shape)
    batch = Batch(
        images=tf.constant(noise, tf.float32),
        used=tf.ones(shape[:2], tf.bool),
        labels=tf.constant([float(i % 2) for i in range(config.batch_size)]),
        weights=tf.ones([config.batch_size]),
        videos=tf.range(config.batch_size),
    )
    del noise
    _, step = make_step(config)
    start_mib = round(memory_mib("VmHWM"))
    times = [run(step, [batch]).wall_s for _ in range(_PROBED_STEPS)]
    step_s = min(times[1:]) * config.batch_size * length  # `run` counts by crops
    peak_mib = round(memory_mib("VmHWM"))
    return {"step_s": round(step_s, 3), "start_mib": start_mib, "peak_mib": peak_mib}


def run(step: Any, batches: Iterable[Batch]) -> Duration:
    """Trains on batches as the trainer does, waiting for each loss; returns a crop's duration."""
    crops, started, before = 0, time.perf_counter(), time.process_time()
    for batch in batches:
        float(step(batch)[0])
        crops += int(np.prod(batch.images.shape[:2]))
    return Duration((time.perf_counter() - started) / crops, (time.process_time() - before) / crops)


def _median(runs: list[Duration], name: str) -> float:
    return statistics.median(getattr(one, name) for one in runs)


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"


def _figure(name: str, value: float, unit: str, target: float | None = None) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "target": target}


if __name__ == "__main__":
    main()
