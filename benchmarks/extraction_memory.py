"""Extraction: the peak memory of whole jobs, long clips against short, many against few.

Usage: python -m benchmarks.extraction_memory CLIP [--minutes 10] [--videos 1000]

CLIP, a 1080p one of about 10 seconds, is extracted as it is and repeated to the given length
without encoding it again; ten and many small clips are made and extracted. Each job runs in an
interpreter of its own. Its peak is that of the Beam process and that of the process that decodes
and searches, added up. The last lines are JSON.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import av

import data.utils.environment  # noqa: F401 - before TensorFlow
from benchmarks.utils.figures import print_figure

TARGETS = {
    "extraction_memory_long_over_short": 1.10,
    "extraction_memory_many_over_few": 1.10,
    "extraction_memory_one_worker": 1.5,
}
_FEW = 10

_JOB = """
import resource, sys
import data.utils.environment
from benchmarks.utils.figures import memory_mib
from data.extraction import job
from data.datasets import read_listing
from data.extraction import ExtractionOptions
from data.faces import FaceOptions

if __name__ == "__main__":
    _, folder, output, frames = sys.argv
    options = ExtractionOptions(faces=FaceOptions(frames_per_video=int(frames)))
    rows = job.extract([read_listing("manifest", folder)], output, options)
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(len(rows), sum(row.used for row in rows), memory_mib("VmHWM"), child / 1024)
"""


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--videos", type=int, default=1000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        short, long = root / "short", root / "long"
        for folder in (short, long):
            folder.mkdir()
        shutil.copy(arguments.clip, short / "clip.mp4")
        repeat(arguments.clip, long / "clip.mp4", 60 * arguments.minutes)
        few, many = root / "few", root / "many"
        for folder, count in ((few, _FEW), (many, arguments.videos)):
            make_many(arguments.clip, folder, count)
        peaks = {
            folder.name: measure(folder, root / f"{folder.name}-output", frames)
            for folder, frames in ((short, 32), (long, 32), (few, 2), (many, 2))
        }
    values = {
        "extraction_memory_long_over_short": peaks["long"] / peaks["short"],
        "extraction_memory_many_over_few": peaks["many"] / peaks["few"],
        "extraction_memory_one_worker": max(peaks.values()) * 1024**2 / 1e9,
    }
    for key, target in TARGETS.items():
        unit = "GB" if key == "extraction_memory_one_worker" else "ratio of peak memory"
        print_figure(key, values[key], unit=unit, target=target)


def measure(folder: pathlib.Path, output: pathlib.Path, frames: int) -> float:
    """Extracts the clips of a folder; returns the peak in MiB."""
    (folder / "manifest.csv").write_text(
        "file,label,split\n"
        + "".join(f"{path.name},REAL,train\n" for path in sorted(folder.glob("*.mp4")))
    )
    started = time.perf_counter()
    with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
        script.write(_JOB)
        script.flush()
        command = [sys.executable, script.name, str(folder), str(output), str(frames)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    videos, used, beam, extractor = map(float, done.stdout.split()[-4:])
    print(
        f"{folder.name}: {videos:.0f} videos, {used:.0f} used, {time.perf_counter() - started:.0f} "
        f"s, peak of Beam's process {beam:.0f} MiB, of the extracting one {extractor:.0f} MiB",
        flush=True,
    )
    return beam + extractor


def repeat(clip: pathlib.Path, path: pathlib.Path, seconds: float) -> None:
    """Writes a clip's packets again and again until it is as long as wanted."""
    with av.open(str(path), "w") as output:
        stream, offset, copied_s = None, 0, 0.0
        while copied_s < seconds:
            with av.open(str(clip)) as source:
                (video,) = source.streams.video[:1]
                if stream is None:
                    stream = output.add_stream_from_template(video)
                end = 0
                for packet in source.demux(video):
                    if packet.size == 0 or packet.pts is None or packet.dts is None:
                        continue
                    end = max(end, packet.pts + (packet.duration or 0))
                    packet.pts += offset
                    packet.dts += offset
                    packet.stream = stream
                    output.mux(packet)
                assert video.time_base is not None
                offset += end
                copied_s = float(offset * video.time_base)


def make_many(clip: pathlib.Path, folder: pathlib.Path, count: int) -> None:
    """Clips of half a second and 320 pixels that differ in one number behind their end."""
    folder.mkdir()
    small = folder / "0.mp4"
    with av.open(str(clip)) as source, av.open(str(small), "w") as output:
        stream = output.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for frame in list(source.decode(video=0))[:12]:
            resized = frame.reformat(320, 240)
            resized.pts = None  # it is numbered anew
            output.mux(stream.encode(resized))
        output.mux(stream.encode(None))
    content = small.read_bytes()
    for number in range(1, count):
        (folder / f"{number}.mp4").write_bytes(content + number.to_bytes(4, "big"))


if __name__ == "__main__":
    main()
