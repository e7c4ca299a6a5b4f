"""Detection: our graph against the mtcnn package, frames a second on the same frames.

Usage: python -m benchmarks.detection CLIP [--frames 8] [--rounds 3]

Both get frames at the clip's own resolution, in turn, and each round's ratio is taken, since shared
machines drift. The package searches them as they are for faces of 20 pixels and more; ours, as
the extraction does, searches frames of more than 1,000 pixels at half resolution, where 20 pixels
are 40 of the frame. The boxes must agree: the mean overlap of the package's faces with ours is
printed, and where it is below 0.88 the value is 0. The last line is JSON.
"""

import argparse
import statistics
import time

import numpy as np

import data.utils.environment  # noqa: F401 - before TensorFlow
from benchmarks.utils.figures import print_figure
from data.detectors import intersection_over_union
from data.detectors.mtcnn import Mtcnn
from data.video import Video

TARGET = 12.0
MIN_OVERLAP = 0.88
MIN_CONFIDENCE = 0.95


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", help="video with faces, 1080p for the figure to mean something")
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()

    from mtcnn import MTCNN

    frames = np.stack([frame.image for frame in Video(arguments.clip).sample(arguments.frames)])
    ours, package = Mtcnn(min_score=MIN_CONFIDENCE), MTCNN()
    ours.detect(frames)  # traces the graph
    package.detect_faces(frames[0], min_face_size=20)
    ratios = []
    for _ in range(arguments.rounds):
        started = time.perf_counter()
        faces = ours.detect(frames)
        our_s = time.perf_counter() - started
        started = time.perf_counter()
        expected = [package.detect_faces(frame, min_face_size=20) for frame in frames]
        package_s = time.perf_counter() - started
        ratios.append(package_s / our_s)
        print(
            f"frames/s: ours {len(frames) / our_s:.1f}, package {len(frames) / package_s:.2f}, "
            f"ratio {ratios[-1]:.1f}"
        )
    overlaps = []
    for our_faces, their_faces in zip(faces, expected, strict=True):
        our_boxes = np.array([face.box for face in our_faces], np.float32).reshape(-1, 4)
        for face in their_faces:
            if face["confidence"] < MIN_CONFIDENCE:
                continue
            x, y, width, height = face["box"]
            box = np.array([[x, y, x + width, y + height]], np.float32)
            with_ours = intersection_over_union(box, our_boxes)
            overlaps.append(float(with_ours.max()) if with_ours.size else 0.0)
    if not overlaps:
        parser.error(f"{arguments.clip}: the package finds no face in it; choose another clip")
    overlap = float(statistics.mean(overlaps))
    print(f"{frames.shape[2]}x{frames.shape[1]}, {len(overlaps)} faces, mean IoU {overlap:.3f}")
    value = statistics.median(ratios) if overlap >= MIN_OVERLAP else 0.0
    print_figure(
        "detection_speedup_over_mtcnn_package",
        value,
        unit="times",
        target=TARGET,
        mean_iou=round(overlap, 3),
    )


if __name__ == "__main__":
    main()
