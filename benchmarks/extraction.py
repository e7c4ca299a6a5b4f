"""Extraction: the whole job against the same Beam job without detection, and what a core can do.

Usage: python -m benchmarks.extraction CLIP [CLIP ...] [--copies 4] [--rounds 3]

Copies of the clips are extracted by whole jobs, each with processes of its own, in turn, and each
round's ratio is taken, since shared machines drift. What a job needs before its first video is
measured by a job of one small clip, and taken off all others. The last lines are JSON:

- the job with one worker over the same job with a detector that finds nothing at once;
- the job with two workers over two cores divided by the CPU-seconds that a clip costs;
- the start: seconds of a job of one small clip beyond those of the clip itself.
"""

import argparse
import dataclasses
import pathlib
import resource
import shutil
import statistics
import tempfile
import time

import numpy as np
import numpy.typing as npt

import data.utils.environment  # noqa: F401 - before TensorFlow
from benchmarks.utils.figures import print_figure
from data.datasets import Listing, SourceVideo
from data.detectors import Face
from data.extraction import ExtractionOptions, job, runners

CORES = 2
TARGETS = {
    "extraction_over_decoding_alone": 0.9,
    "extraction_two_workers_over_two_cores": 0.9,
    "extraction_start": 12.0,
}


class NoDetector:
    """Finds nothing, at once."""

    def detect(self, frames: npt.NDArray[np.uint8]) -> list[list[Face]]:
        """Returns an empty list for every frame."""
        return [[] for _ in frames]


class Bench:
    """Runs jobs, each with an output folder of its own.

    Args:
        folder: for copies and outputs.
        copies: of each clip that a job extracts.
        clips: the videos.
    """

    def __init__(self, folder: pathlib.Path, clips: list[pathlib.Path], copies: int) -> None:
        self._folder = folder
        self._number = 0
        self.videos = copy_clips(clips, copies, folder / "clips")

    def run(self, name: str, videos: list[SourceVideo], detector: str, workers: int) -> "Duration":
        """Runs a job and prints what it did."""
        self._number += 1
        before, started = cpu_seconds(), time.perf_counter()
        rows = job.extract(
            [Listing(tuple(videos))],
            str(self._folder / f"output{self._number}"),
            ExtractionOptions(detector=detector),
            runners.pipeline_options("direct", workers, {}),
        )
        duration = Duration(
            wall_s=time.perf_counter() - started,
            cpu_s=cpu_seconds() - before,
            videos_s=sum(row.seconds for row in rows),
        )
        frames = sum(row.frames_decoded for row in rows)
        print(
            f"{name}: {duration.wall_s:.1f} s, {duration.cpu_s:.1f} CPU-s, {len(rows)} videos in "
            f"{duration.videos_s:.1f} s of workers, {frames} frames decoded, "
            f"{sum(row.faces for row in rows)} faces",
            flush=True,
        )
        return duration


@dataclasses.dataclass(frozen=True)
class Duration:
    """How long a job took.

    Attributes:
        wall_s: seconds.
        cpu_s: seconds of all processes' CPU.
        videos_s: the ledger's seconds, of all videos.
    """

    wall_s: float
    cpu_s: float
    videos_s: float


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=pathlib.Path)
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    ours, bare = "mtcnn", "benchmarks.extraction:NoDetector"
    values: dict[str, list[float]] = {name: [] for name in TARGETS}
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(pathlib.Path(name), arguments.clips, arguments.copies)
        videos = bench.videos
        smallest = min(videos, key=lambda video: pathlib.Path(video.path).stat().st_size)
        for _ in range(arguments.rounds):
            start = bench.run("start, one worker", [smallest], ours, 1)
            two_start = bench.run("start, two workers", [smallest], ours, 2)
            alone = bench.run("no detection, one worker", videos, bare, 1)
            whole = bench.run("one worker", videos, ours, 1)
            two = bench.run("two workers", videos, ours, 2)
            starting_s = start.wall_s - start.videos_s
            values["extraction_start"].append(starting_s)
            throughput = len(videos) / (whole.wall_s - starting_s)
            values["extraction_over_decoding_alone"].append(
                throughput * (alone.wall_s - starting_s) / len(videos)
            )
            cpu_s = (whole.cpu_s - start.cpu_s) / (len(videos) - 1)
            # Two workers start at the same time, on the same cores.
            two_throughput = len(videos) / (two.wall_s - two_start.wall_s + two_start.videos_s)
            values["extraction_two_workers_over_two_cores"].append(two_throughput * cpu_s / CORES)
            print(
                f"one worker {60 * throughput:.0f} videos/minute, two {60 * two_throughput:.0f}; "
                f"a clip costs {cpu_s:.2f} CPU-s; ratios "
                + ", ".join(f"{key} {ratios[-1]:.3f}" for key, ratios in values.items())
            )
    for key, target in TARGETS.items():
        unit = "s" if key == "extraction_start" else "ratio of throughput"
        print_figure(key, statistics.median(values[key]), unit=unit, target=target)


def cpu_seconds() -> float:
    """CPU time of this process and of all children that have ended, seconds."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def copy_clips(clips: list[pathlib.Path], copies: int, folder: pathlib.Path) -> list[SourceVideo]:
    """Copies that differ in one byte behind the end, or the job would take them for duplicates."""
    folder.mkdir()
    videos = []
    for number in range(copies):
        for clip in clips:
            path = folder / f"{clip.stem}-{number}{clip.suffix}"
            shutil.copy(clip, path)
            path.chmod(0o600)
            with path.open("ab") as file:
                file.write(bytes([number]))
            videos.append(
                SourceVideo(
                    video_id=f"benchmark/{path.name}",
                    path=str(path),
                    label=0,
                    dataset="benchmark",
                    method="real",
                    compression="",
                    sources=(path.name,),
                )
            )
    return videos


if __name__ == "__main__":
    main()
