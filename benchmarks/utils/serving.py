"""What the benchmarks of serving share: a model, a server in a process of its own, clients.

Without `--model` the model is EfficientNetV2-B0 at 224 px with random weights, exported as the
pipeline exports. What is compared is measured in turn, several times, so that other work on the
machine slows both; trust the figures of an idle machine only.
"""

import argparse
import contextlib
import functools
import multiprocessing
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import data.utils.environment  # noqa: F401 - before TensorFlow

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAME = "benchmark"
FACE_SIZE = 224
PREDICT = "/tensorflow.serving.PredictionService/Predict"

MAX_BATCH_SIZE = 16
"""Of the batched server: requests that wait while all cores are busy are merged."""


def arguments(description: str, *, timed: bool = False) -> argparse.ArgumentParser:
    """The options that all benchmarks of serving have, and those of timed measurements."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--model", type=pathlib.Path, help="folder of a pushed version")
    if timed:
        parser.add_argument("--rounds", type=int, default=5)
        parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    return parser


def print_load() -> None:
    """Prints how busy the machine is before the measurement."""
    print(f"load average before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)


def export_model(folder: str) -> None:
    """Writes the network as the pipeline does, with its warm-up requests."""
    from models.calibration import Decision, Temperature
    from models.config import ModelConfig
    from models.export import ServedModel, export
    from models.networks import classifier
    from models.scoring import NetworkScorer
    from models.transform import label_only

    config = ModelConfig(model="efficientnet_v2_b0", image_size=FACE_SIZE, weights=None)
    served = ServedModel(
        NetworkScorer(classifier.build(config, "float32", weights=None)),
        Decision(Temperature(temperature=1.0), real_below=0.4, fake_above=0.6),
        track_length=32,
        transform=label_only,
    )
    export(served, folder, name=NAME, card={})


def own_process() -> ProcessPoolExecutor:
    """A process that works for this one."""
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


@contextlib.contextmanager
def serving_root(model: pathlib.Path | None) -> Iterator[pathlib.Path]:
    """A folder to serve, which holds the model as version 1."""
    with tempfile.TemporaryDirectory(prefix="unmask-benchmark-") as root:
        folder = pathlib.Path(root) / NAME / "1"
        folder.parent.mkdir()
        if model:
            folder.symlink_to(model.resolve(), target_is_directory=True)
        else:
            # TensorFlow's threads are set once a process: each role has its own.
            with own_process() as process:
                process.submit(export_model, str(folder)).result()
        yield pathlib.Path(root)


def make_face() -> bytes:
    """A JPEG of smooth noise, with as many bytes as a face."""
    import numpy as np
    import tensorflow as tf

    noise = np.random.default_rng(0).integers(0, 256, (28, 28, 3)).astype(np.float32)
    pixels = tf.cast(tf.image.resize(noise, [FACE_SIZE, FACE_SIZE], "bicubic"), tf.float32)
    pixels = tf.cast(tf.clip_by_value(pixels, 0, 255), tf.uint8)
    face: bytes = tf.io.encode_jpeg(pixels, quality=95).numpy()
    return face


def predict_message() -> bytes:
    """A serialised request for one face.

    Clients send and receive bytes: their own work would take from the server's cores.
    """
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name = NAME
    request.inputs["faces"].CopyFrom(tf.make_tensor_proto([make_face()], dtype=tf.string))
    return request.SerializeToString()


@contextlib.contextmanager
def server(root: pathlib.Path, batched: bool = False) -> Iterator[tuple[subprocess.Popen, str]]:
    """Runs `python -m serving.server`; yields the process and its address.

    Args:
        root: the folder to serve.
        batched: whether concurrent requests are merged, up to `MAX_BATCH_SIZE`.
    """
    ready = "Running gRPC ModelServer at "
    command = [sys.executable, "-u", "-m", "serving.server", "--port=0"]
    command += [f"--model_name={NAME}", f"--model_base_path={root / NAME}"]
    with tempfile.NamedTemporaryFile("w", suffix=".pbtxt") as parameters:
        if batched:
            parameters.write(f"max_batch_size {{ value: {MAX_BATCH_SIZE} }}")
            parameters.flush()
            command += ["--enable_batching", f"--batching_parameters_file={parameters.name}"]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    if line.startswith(ready):
                        address = line.removeprefix(ready).split()[0]
                        yield process, address.replace("0.0.0.0", "127.0.0.1")
                        return
                raise RuntimeError("the server ended before it served")
            finally:
                process.terminate()


@functools.cache
def load_model(folder: str, threads: int) -> Any:
    """Loads a SavedModel; sets the threads of one operation first."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    return tf.saved_model.load(folder)


def call_times(folder: str, threads: int, batch: int, seconds: float) -> list[float]:
    """Seconds of each call of the signature, after one to warm up; at least one."""
    import tensorflow as tf

    predict = load_model(folder, threads).signatures["serving_default"]
    faces = tf.constant([make_face()] * batch)
    predict(faces=faces)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        predict(faces=faces)
        times.append(time.perf_counter() - start)
    return times


class BareModel(contextlib.ExitStack):
    """The signature called in a process of its own, which ends with the context.

    Args:
        root: folder whose version 1 is called.
        threads: that one operation may use; 0 for TensorFlow's default.
    """

    def __init__(self, root: pathlib.Path, threads: int = 0) -> None:
        super().__init__()
        self._process = self.enter_context(own_process())
        self._model = str(root / NAME / "1"), threads

    def call_times(self, batch: int, seconds: float) -> list[float]:
        """Seconds of each call with a batch of faces."""
        return self._process.submit(call_times, *self._model, batch, seconds).result()

    def faces_per_second(self, batch: int, seconds: float) -> float:
        """Faces a second in batches of this size."""
        times = self.call_times(batch, seconds)
        return batch * len(times) / sum(times)
