"""Requests a second of the embedded server against the bare model.

Sixteen clients each send one face of 224 px at a time over gRPC's loopback to `unmask serve`
in a process of its own; the bare model is the same signature called in another process in its
best batch size, with TensorFlow's default threads. Both are measured in turn, several times,
so that a machine that is busy with other things slows both; the medians are compared. Even so
the ratio moves with the load, which is printed: believe it on an idle machine only.

    python -m benchmarks.serving [--model runs/demo/serving/efficientnet_v2_b0/1]

Without `--model` the model is EfficientNetV2-B0 at 224 px with random weights.
"""

import argparse
import concurrent.futures
import contextlib
import functools
import json
import multiprocessing
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection

import data.environment  # noqa: F401 - before TensorFlow

ROOT = pathlib.Path(__file__).resolve().parents[1]

TARGET = 0.8
CONCURRENCY = 16
BATCH_SIZES = (1, 2, 4, 8, 16, 32)
FACE_SIZE = 224
NAME = "benchmark"


def export_model(folder: str) -> None:
    """Writes EfficientNetV2-B0 with random weights and a `serving_default` for JPEG faces."""
    import keras
    import tensorflow as tf

    from models import pictures
    from models.backbones import registry

    backbone = registry.build("efficientnet_v2_b0", FACE_SIZE, None)
    score = keras.layers.Dense(1, activation="sigmoid")(backbone.output)
    network = keras.Model(backbone.input, score)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="faces")])
    def serving_default(faces: tf.Tensor) -> dict[str, tf.Tensor]:
        pixels, _ = pictures.decode_faces(faces, FACE_SIZE)
        return {"fake_probability": network(pixels, training=False)[:, 0]}

    archive = keras.export.ExportArchive()
    archive.track(network)
    archive.add_endpoint("serving_default", serving_default)
    archive.write_out(folder, verbose=False)


def make_face() -> bytes:
    """A JPEG of smooth noise: a face's size in bytes, nobody's face."""
    import numpy as np
    import tensorflow as tf

    noise = np.random.default_rng(0).integers(0, 256, (28, 28, 3)).astype(np.float32)
    pixels = tf.cast(tf.image.resize(noise, [FACE_SIZE, FACE_SIZE], "bicubic"), tf.float32)
    pixels = tf.cast(tf.clip_by_value(pixels, 0, 255), tf.uint8)
    face: bytes = tf.io.encode_jpeg(pixels, quality=95).numpy()
    return face


def run_bare_model(folder: str, connection: Connection) -> None:
    """Measures the signature, faces a second, for each (batch size, seconds) received."""
    import tensorflow as tf

    face = make_face()
    connection.send(face)
    loaded = tf.saved_model.load(folder)
    predict = loaded.signatures["serving_default"]
    while (order := connection.recv()) is not None:
        batch, seconds = order
        faces = tf.constant([face] * batch)
        call = functools.partial(predict, faces=faces)
        connection.send(batch * calls_per_second(call, seconds))


def calls_per_second(call: Callable[[], object], seconds: float) -> float:
    """How often a function can be called one after the other, after one call to warm up."""
    call()
    start, calls = time.perf_counter(), 0
    while time.perf_counter() < start + seconds:
        call()
        calls += 1
    return calls / (time.perf_counter() - start)


@contextlib.contextmanager
def bare_model(folder: str) -> Iterator[Connection]:
    """Runs `run_bare_model` in a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=run_bare_model, args=(folder, theirs), daemon=True)
    process.start()
    try:
        yield ours
    finally:
        ours.send(None)
        process.join()


@contextlib.contextmanager
def server(root: str) -> Iterator[str]:
    """Runs `unmask serve` and yields its address."""
    command = "import typer, serving.commands; typer.run(serving.commands.serve)"
    with subprocess.Popen(
        [sys.executable, "-u", "-c", command, "--models", root, "--grpc-port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.startswith("Serving gRPC at "):
                    yield line.split()[3].rstrip(".")
                    return
            raise RuntimeError("the server ended before it served")
        finally:
            process.terminate()


def requests_per_second(target: str, face: bytes, seconds: float) -> float:
    """What `CONCURRENCY` clients get answered, each sending its next request upon an answer."""
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name = NAME
    request.inputs["faces"].CopyFrom(tf.make_tensor_proto([face], dtype=tf.string))
    message = request.SerializeToString()

    with grpc.insecure_channel(target) as channel:
        # Bytes in, bytes out: the clients' own work would take from the server's cores.
        predict = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
        predict(message)
        start = time.perf_counter()

        def ask_on() -> int:
            answered = 0
            while time.perf_counter() < start + seconds:
                predict(message)
                answered += 1
            return answered

        with concurrent.futures.ThreadPoolExecutor(CONCURRENCY) as clients:
            futures = [clients.submit(ask_on) for _ in range(CONCURRENCY)]
            answered = sum(future.result() for future in futures)
        return answered / (time.perf_counter() - start)


def main() -> None:
    """Prints what was measured, and last one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=pathlib.Path, help="folder of a pushed version")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    options = parser.parse_args()

    print(f"load average before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    with tempfile.TemporaryDirectory(prefix="unmask-benchmark-") as root:
        folder = pathlib.Path(root) / NAME / "1"
        folder.parent.mkdir()
        if options.model:
            folder.symlink_to(options.model.resolve(), target_is_directory=True)
        else:
            exporter = multiprocessing.get_context("spawn").Process(
                target=export_model, args=(str(folder),)
            )
            exporter.start()
            exporter.join()
        with bare_model(str(folder)) as bare, server(root) as target:
            face = bare.recv()

            def measure_bare(batch: int) -> float:
                bare.send((batch, options.seconds))
                faces_per_second: float = bare.recv()
                return faces_per_second

            by_batch = {batch: measure_bare(batch) for batch in BATCH_SIZES}
            for batch, speed in by_batch.items():
                print(f"bare model, batch {batch:2d}: {speed:6.1f} faces/s", flush=True)
            best = max(by_batch, key=lambda batch: by_batch[batch])
            requests_per_second(target, face, options.seconds)  # warms up
            served, direct = [], []
            for _ in range(options.rounds):
                served.append(requests_per_second(target, face, options.seconds))
                direct.append(measure_bare(best))
                print(
                    f"served: {served[-1]:6.1f} requests/s; "
                    f"bare model, batch {best}: {direct[-1]:6.1f} faces/s",
                    flush=True,
                )
    value = statistics.median(served) / statistics.median(direct)
    unit = f"requests/s at concurrency {CONCURRENCY} over the bare model's faces/s"
    print(json.dumps({"name": "serving", "value": round(value, 3), "target": TARGET, "unit": unit}))


if __name__ == "__main__":
    main()
