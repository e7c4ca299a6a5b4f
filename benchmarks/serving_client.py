"""`Client.predict` on a clip against its parts, and what the command costs beside it.

Warm, and in turn: the client asking a server in a process of its own; and decoding, finding and
cutting out the faces as the client does, then the bare model on the same tracks. Then `unmask
predict` on the same clip, which starts an interpreter and loads TensorFlow first.

    python -m benchmarks.serving_client CLIP [--model runs/demo/serving/efficientnet_v2_b0/1]

CLIP best lasts 10 s at 1080p.
"""

import contextlib
import itertools
import pathlib
import statistics
import subprocess
import sys
import time

from benchmarks.utils import serving
from benchmarks.utils.figures import print_figure

# isort: split
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from data.detectors import create_detector
from data.faces import FaceOptions, VideoFaces, extract_faces
from data.utils.evenly_spread import evenly_spread


def make_tracks(video: VideoFaces, width: int) -> npt.NDArray:
    """The usable faces of a video as rows of `serving_tracks`, as the client sends them."""
    rows = []
    for _, group in itertools.groupby(video.usable_faces, key=lambda face: face.track):
        track = list(group)
        images = [track[position].image for position in evenly_spread(len(track), width)]
        rows.append(images + [b""] * (width - len(images)))
    return np.array(rows, object)


def main() -> None:
    """Measures and prints."""
    parser = serving.arguments(__doc__)
    parser.add_argument("clip", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    serving.print_load()

    from serving import Client

    clip = str(options.clip)
    with contextlib.ExitStack() as stack:
        root = stack.enter_context(serving.serving_root(options.model))
        _, target = stack.enter_context(serving.server(root))
        loaded = tf.saved_model.load(str(root / serving.NAME / "1"))
        detector = create_detector("mtcnn")
        client = stack.enter_context(Client(target, serving.NAME, detector=detector))
        width = client.track_width()
        whole: list[float] = []
        parts: dict[str, list[float]] = {"decoding and detection": [], "bare model": []}
        for _ in range(options.rounds + 1):
            start = time.perf_counter()
            prediction = client.predict(clip)
            whole.append(time.perf_counter() - start)
            if not prediction.tracks:
                raise SystemExit(f"{clip}: no face was asked about: {prediction.reason}")

            start = time.perf_counter()
            video = extract_faces(clip, detector, FaceOptions())
            parts["decoding and detection"].append(time.perf_counter() - start)

            faces = tf.constant(make_tracks(video, width))
            start = time.perf_counter()
            loaded.signatures["serving_tracks"](faces=faces)
            parts["bare model"].append(time.perf_counter() - start)
        start = time.perf_counter()
        command = [sys.executable, "-m", "unmask", "predict", clip]
        command += ["--model", serving.NAME, "--server", target]
        subprocess.run(command, cwd=serving.ROOT, check=True, stdout=subprocess.DEVNULL)
        command_s = time.perf_counter() - start
    for name, times in {"Client.predict": whole, **parts}.items():
        print(f"{name}: {statistics.median(times[1:]):.3f} s, the first time {times[0]:.3f} s")
    predict_s = statistics.median(whole[1:])
    parts_s = sum(statistics.median(times[1:]) for times in parts.values())
    unit = "Client.predict over decoding, detection and the bare model"
    print_figure("serving_client", predict_s / parts_s, unit=unit, target=1.3)
    unit = "s of unmask predict above Client.predict: start-up"
    print_figure("serving_client_startup", command_s - predict_s, unit=unit)


if __name__ == "__main__":
    main()
