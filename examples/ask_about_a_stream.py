"""Judges what a camera, a network stream or a file shows, ten seconds at a time.

python examples/ask_about_a_stream.py rtsp://camera/1
python examples/ask_about_a_stream.py /dev/video0 --format v4l2
python examples/ask_about_a_stream.py clip.mp4
"""

import argparse
import itertools

from serving import Client
from serving.client import open_source

SECONDS = 10.0


def main() -> None:
    """Gives a verdict on each stretch of the source, until it ends."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("source")
    parser.add_argument("--format", help="FFmpeg's name of a device or container")
    parser.add_argument("--server", default="localhost:8500")
    parser.add_argument("--model", default="xception")
    arguments = parser.parse_args()

    frames = open_source(arguments.source, frames_per_second=5, format=arguments.format)
    with Client(arguments.server, arguments.model) as client:
        stretches = itertools.groupby(frames, key=lambda frame: int(frame[0] / SECONDS))
        for number, stretch in stretches:
            prediction = client.predict_stream(stretch, name=arguments.source)
            probability = prediction.fake_probability
            shown = "" if probability is None else f" {probability:.2f}"
            print(f"from {number * SECONDS:g} s: {prediction.verdict.value}{shown}")
            if prediction.reason:
                print(f"  {prediction.reason}")


if __name__ == "__main__":
    main()
