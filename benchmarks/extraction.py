"""Extraction: the whole job against the same Beam job without detection.

Usage: python -m benchmarks.extraction CLIP [CLIP ...] [--copies 4] [--rounds 3]

One worker and one decoding thread in both. Each job extracts copies of the clips, after a warm-up
that loads the networks; the two run in turn, and each round's ratio is taken, since shared
machines drift. The last line is JSON.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import tempfile
import time
from unittest import mock

import numpy as np
import numpy.typing as npt

import data.environment  # noqa: F401 - before TensorFlow
from data import extraction
from data.datasets.base import SourceVideo
from data.detectors import registry
from data.detectors.base import Face

TARGET = 0.6


class NoDetector:
    """Finds nothing, at once."""

    def detect(self, frames: npt.NDArray[np.uint8]) -> list[list[Face]]:
        """Returns an empty list for every frame."""
        return [[] for _ in frames]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=pathlib.Path)
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    mtcnn = registry.create("mtcnn")

    def run(detector: object, videos: list[SourceVideo], output: pathlib.Path) -> float:
        with mock.patch.object(registry, "create", return_value=detector):
            started = time.perf_counter()
            rows = extraction.extract(videos, output, extraction.ExtractionOptions())
            seconds = time.perf_counter() - started
        frames = sum(row.frames_decoded for row in rows)
        faces = sum(row.faces for row in rows)
        print(
            f"{type(detector).__name__}: {seconds:.2f} s, {60 * len(rows) / seconds:.0f} "
            f"videos/minute, {frames / seconds:.0f} frames/s decoded, {faces} faces"
        )
        return seconds

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        videos = copy_clips(arguments.clips, arguments.copies, folder)
        run(mtcnn, videos[: len(arguments.clips)], folder / "warm-up")
        ratios = []
        for number in range(arguments.rounds):
            bare = run(NoDetector(), videos, folder / f"bare{number}")
            whole = run(mtcnn, videos, folder / f"whole{number}")
            ratios.append(bare / whole)
    value = round(statistics.median(ratios), 3)
    result = {"name": "extraction_over_decoding_alone", "value": value}
    print(json.dumps(result | {"target": TARGET, "unit": "ratio of throughput"}))


def copy_clips(clips: list[pathlib.Path], copies: int, folder: pathlib.Path) -> list[SourceVideo]:
    """Copies that differ in one byte behind the end, or the job would take them for duplicates."""
    videos = []
    for number in range(copies):
        for clip in clips:
            path = folder / f"{clip.stem}-{number}{clip.suffix}"
            shutil.copy(clip, path)
            with open(path, "ab") as file:
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
