"""Asks a model server about videos, and prints who was judged and when they look most fake.

python examples/ask_over_grpc.py clip.mp4 another.mp4 --server localhost:8500 --model xception
"""

import argparse

from serving import Client
from serving.prediction import scope_sentences


def main() -> None:
    """Asks about each video in turn."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("videos", nargs="+")
    parser.add_argument("--server", default="localhost:8500", help="http://host:port asks REST")
    parser.add_argument("--model", default="xception")
    arguments = parser.parse_args()

    sentences: dict[str, None] = {}  # a set that keeps its order
    with Client(arguments.server, arguments.model) as client:
        for prediction in client.predict_many(arguments.videos):
            sentences |= dict.fromkeys(scope_sentences(prediction.model_version, prediction.scope))
            print(f"{prediction.path}: {prediction.verdict.value}", prediction.reason)
            for number, track in enumerate(prediction.tracks):
                if track.fake_probability is None:
                    print(f"  person {number}: the model could not read the faces")
                    continue
                worst = max(track.frames, key=lambda frame: frame.fake_probability or 0.0)
                print(
                    f"  person {number}: {track.verdict.value} {track.fake_probability:.2f}, "
                    f"{len(track.frames)} faces, most fake at {worst.time_s:.2f} s"
                )
    print("\n".join(sentences))


if __name__ == "__main__":
    main()
