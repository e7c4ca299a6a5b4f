"""Large bodies over REST: seconds, the server's memory over the body, and what others wait.

A model of one multiplication answers each body with as many numbers; another client asks with one
row meanwhile. `--before` names a checkout of older code, whose server is measured in turn.

    python -m benchmarks.serving_rest [--before ../older]
"""

import argparse
import contextlib
import json
import multiprocessing
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from benchmarks.utils import serving
from benchmarks.utils.figures import memory_mib, print_figure

# isort: split
import numpy as np

ROWS_60_MB = 6_500_000


def bodies() -> dict[str, Callable[[], bytes]]:
    """What is sent, by name: made when it is needed."""

    def body(key: str, shape: tuple[int, ...], high: int | None = None) -> bytes:
        generator = np.random.default_rng(0)
        values = (
            generator.random(shape).round(6)
            if high is None
            else generator.integers(high, size=shape)
        )
        return json.dumps({key: values.tolist()}).encode()

    return {
        "100,000 scalars in instances": lambda: body("instances", (100_000,)),
        "1.25 million in instances": lambda: body("instances", (1_250_000,)),
        "1.25 million in inputs": lambda: body("inputs", (1_250_000,)),
        "60 MB, rows of 16": lambda: body("instances", (ROWS_60_MB // 16, 16)),
        "60 MB, scalars": lambda: body("instances", (ROWS_60_MB,)),
        "60 MB, one picture": lambda: body("instances", (1, 2000, 2000, 3), 256),
    }


def export_model(folder: str) -> None:
    """Writes y = x / 2 for floats of any shape."""
    import tensorflow as tf

    module = tf.Module()
    module.serve = tf.function(
        lambda x: {"y": x / 2}, input_signature=[tf.TensorSpec(None, tf.float32, "x")]
    )
    tf.saved_model.save(module, folder, signatures=module.serve)


def ask_others(url: str, waits: Any, stop: Any) -> None:
    """Asks with one row again and again; notes the seconds of each."""
    with httpx.Client(timeout=600) as client:
        while not stop.is_set():
            start = time.perf_counter()
            client.post(url, json={"instances": [1.0]}).raise_for_status()
            waits.append(time.perf_counter() - start)


@contextlib.contextmanager
def server(tree: pathlib.Path, root: pathlib.Path) -> Iterator[tuple[int, str]]:
    """Runs the server of a checkout; yields its process and the URL of the model."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "serving.server", "--port=0", f"--rest_api_port={port}"]
    command += [f"--model_base_path={root / serving.NAME}", "--rest_api_timeout_in_ms=600000"]
    url = f"http://127.0.0.1:{port}/v1/models/default:predict"
    with subprocess.Popen(
        command, cwd=tree, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if httpx.post(url, json={"instances": [1.0]}).status_code == 200:
                        break
                time.sleep(0.2)
            yield process.pid, url
        finally:
            process.terminate()


def measure(pid: int, url: str, body: bytes, rounds: int) -> tuple[float, float, float]:
    """Median seconds, peak memory over the body's size, and others' longest wait in seconds."""
    manager = multiprocessing.Manager()
    waits, stop = manager.list(), manager.Event()
    other = multiprocessing.Process(target=ask_others, args=(url, waits, stop))
    other.start()
    while len(waits) < 20:
        time.sleep(0.01)
    del waits[:]
    before = memory_mib("VmRSS", pid)
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak begins anew
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        answer = httpx.post(url, content=body, timeout=600)
        seconds.append(time.perf_counter() - start)
        assert answer.status_code == 200, answer.text[:300]
    peak = (memory_mib("VmHWM", pid) - before) * 2**20 / len(body)
    stop.set()
    other.join()
    return statistics.median(seconds), peak, max(waits)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=pathlib.Path, help="a checkout of older code")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    serving.print_load()
    trees = {"before": options.before} if options.before else {}
    trees["now"] = serving.ROOT
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        with serving.own_process() as process:
            process.submit(export_model, str(root / serving.NAME / "1")).result()
        for name, make in bodies().items():
            body = make()
            for when, tree in trees.items():
                with server(tree, root) as (pid, url):
                    seconds, memory, wait = measure(pid, url, body, options.rounds)
                print_figure(
                    f"serving_rest, {name}, {when}",
                    seconds,
                    unit="seconds",
                    megabytes=round(len(body) / 1e6, 1),
                    memory_over_body=round(memory, 1),
                    others_longest_wait_s=round(wait, 3),
                )


if __name__ == "__main__":
    main()
