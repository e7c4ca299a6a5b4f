"""Whether the size of a video changes who in it is judged, and how.

Usage: python -m benchmarks.face_sizes [VIDEO ...] [--model FOLDER] [--frames 8]

Each video (the clips of ../shared/data/ffpp and ../shared/data/dfdc unless others are named) is
scaled to heights of 240 to 2160 pixels, encoded again nearly without loss, and extracted. A row a
height says what became of it: status, size of the faces, how many of them are usable and how many
would be if sharpness were measured at a crop's own size, and the medians of both measures. With the
folder of a served version, such as `runs/demo/serving/xception/1767225600`, also the largest fake
probability of a track. The last line is JSON: the share of rows with usable faces among those whose
faces are large enough.
"""

import data.utils.environment  # noqa: F401 - before TensorFlow

# isort: split
import argparse
import itertools
import pathlib
import tempfile

import av
import cv2
import numpy as np
import tensorflow as tf

from benchmarks.utils.figures import print_figure
from data.contract import FaceCrop
from data.detectors import create_detector
from data.faces import FaceOptions, extract_faces
from data.utils.evenly_spread import evenly_spread
from data.video import Video

HEIGHTS = (240, 360, 540, 720, 1080, 2160)
_SHARED = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data"
_CRF = "12"


def scale(source: str, target: str, height: int, frames: int) -> None:
    """Writes evenly spaced frames of a video at another height."""
    with av.open(target, "w") as container:
        stream = None
        for frame in Video(source).sample(frames):
            width = round(frame.image.shape[1] * height / frame.image.shape[0] / 2) * 2
            shrinks = height < frame.image.shape[0]
            way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
            image = cv2.resize(frame.image, (width, height), interpolation=way).astype(np.uint8)
            if stream is None:
                stream = container.add_stream(
                    "libx264", rate=8, options={"crf": _CRF, "preset": "ultrafast"}
                )
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        assert stream is not None
        container.mux(stream.encode(None))


def fake_probability(model: tf.Module, faces: tuple[FaceCrop, ...]) -> float:
    """The largest of the tracks' probabilities; NaN without faces."""
    signature = model.signatures["serving_tracks"]
    width = signature.structured_input_signature[1]["faces"].shape[1]
    rows = []
    for _, track in itertools.groupby(faces, key=lambda face: face.track):
        images = [face.image for face in track]
        images = [images[i] for i in evenly_spread(len(images), width)]
        rows.append(images + [b""] * (width - len(images)))
    if not rows:
        return float("nan")
    return float(signature(faces=tf.constant(rows))["fake_probability"].numpy().max())


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", nargs="*", type=pathlib.Path)
    parser.add_argument("--model", type=pathlib.Path, help="folder of a served version")
    parser.add_argument("--frames", type=int, default=8, help="frames of each video")
    arguments = parser.parse_args()
    videos = arguments.videos or sorted(
        path for folder in ("ffpp", "dfdc") for path in (_SHARED / folder).glob("**/*.mp4")
    )
    if not videos:
        parser.error(f"{_SHARED} holds no clips here: name videos")
    model = tf.saved_model.load(str(arguments.model)) if arguments.model else None
    detector = create_detector("mtcnn")
    options = FaceOptions(frames_per_video=arguments.frames)
    large = good = 0
    print(
        "| video | height | status | face, pixels | usable | by raw sharpness | sharpness "
        "| raw | fake probability |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for video, height in itertools.product(videos, HEIGHTS):
        with tempfile.TemporaryDirectory() as folder:
            clip = f"{folder}/clip.mp4"
            scale(str(video), clip, height, arguments.frames)
            result = extract_faces(clip, detector, options)
        sizes = [min(f.box[2] - f.box[0], f.box[3] - f.box[1]) for f in result.faces]
        size = float(np.median(sizes)) if sizes else 0.0
        is_large = [value >= options.min_face_size for value in sizes]
        raw = sum(
            face.raw_sharpness >= options.min_sharpness and fits
            for face, fits in zip(result.faces, is_large, strict=True)
        )
        sharpness = np.median([(f.sharpness, f.raw_sharpness) for f in result.faces] or [(0, 0)], 0)
        score = fake_probability(model, result.usable_faces) if model else float("nan")
        print(
            f"| {video.name} | {height} | {result.status.value} | {size:.0f} | "
            f"{len(result.usable_faces)} of {len(sizes)} | {raw} | {sharpness[0]:.0f} | "
            f"{sharpness[1]:.0f} | {score:.3f} |",
            flush=True,
        )
        if size >= options.min_face_size:
            large += 1
            good += len(result.usable_faces) >= 0.9 * len(sizes)
    print_figure("usable_at_every_size", good / max(large, 1), unit="share of rows", target=1.0)


if __name__ == "__main__":
    main()
