"""Requests a second of the embedded server, against the bare model and against Flask.

Sixteen clients each send one face of 224 px at a time over the loopback: to `python -m
serving.server` over gRPC, to the same with batching, and over HTTP to the server that people
write first (Flask, `app.run(threaded=True)`, `model.predict`). The bare model is the same
signature called in its best batch size. All have processes of their own and are measured in
turn; medians are compared.

    python -m benchmarks.serving_throughput [--model runs/demo/serving/efficientnet_v2_b0/1]

Flask runs EfficientNetV2-B0 with random weights whatever the model.
"""

import concurrent.futures
import contextlib
import http.client
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

from benchmarks.utils import serving
from benchmarks.utils.figures import print_figure
from benchmarks.utils.load_generator import ask_for, requests_per_second

CONCURRENCY = 16
BATCH_SIZES = (1, 2, 4, 8, 16, 32)


@contextlib.contextmanager
def flask_server() -> Iterator[int]:
    """Runs `serve_with_flask`; yields its port."""
    code = "from benchmarks import serving_throughput; serving_throughput.serve_with_flask()"
    command = [sys.executable, "-u", "-c", code]
    with serving.running(command, "Flask at ", subprocess.DEVNULL) as (_, line):  # it logs
        yield int(line.split()[2])


def serve_with_flask() -> None:
    """Serves the network with Flask: a JPEG in, a probability out."""
    import socket

    import flask
    import keras
    import numpy as np
    import tensorflow as tf

    network = serving.build_network()
    model = keras.Model(network.backbone.input, network.head(network.backbone.output))
    one_at_a_time = threading.Lock()  # concurrent calls of `predict` fail: the answer was a 500
    app = flask.Flask("benchmark")

    @app.post("/predict")
    def predict() -> flask.Response:
        picture = tf.io.decode_jpeg(flask.request.get_data(), channels=3)
        pixels = tf.image.resize(picture, [serving.FACE_SIZE, serving.FACE_SIZE]).numpy()
        with one_at_a_time:
            logit = model.predict(pixels[np.newaxis], verbose=0)
        return flask.jsonify(fake_probability=float(tf.sigmoid(np.ravel(logit)[0])))

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    print(f"Flask at {port}", flush=True)
    app.run(port=port, threaded=True)


def flask_requests_per_second(port: int, face: bytes, seconds: float) -> float:
    """Answers a second to `CONCURRENCY` clients, which open a connection for each request."""
    start = time.perf_counter()

    def ask_on(_: int) -> int:
        answered = 0
        while time.perf_counter() < start + seconds:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
            connection.request("POST", "/predict", face)
            response = connection.getresponse()
            if response.status != 200 or b"fake_probability" not in response.read():
                raise RuntimeError(f"Flask answered {response.status}")
            connection.close()
            answered += 1
        return answered

    with concurrent.futures.ThreadPoolExecutor(CONCURRENCY) as clients:
        answered = sum(clients.map(ask_on, range(CONCURRENCY)))
    return answered / (time.perf_counter() - start)


def wait_for_port(port: int) -> None:
    """Returns once something listens."""
    while True:
        with (
            contextlib.suppress(ConnectionError),
            contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as connection,
        ):
            connection.connect()
            return
        time.sleep(0.1)


def main() -> None:
    """Measures and prints."""
    options = serving.arguments(__doc__, timed=True).parse_args()
    serving.print_load()
    with contextlib.ExitStack() as stack:
        root = stack.enter_context(serving.serving_root(options.model))
        bare = stack.enter_context(serving.bare_model(root))
        _, plain = stack.enter_context(serving.server(root))
        _, batched = stack.enter_context(serving.server(root, batched=True))
        port = stack.enter_context(flask_server())
        wait_for_port(port)
        message = serving.predict_message(bare.face)

        by_batch = {size: bare.faces_per_second(size, options.seconds) for size in BATCH_SIZES}
        for size, speed in by_batch.items():
            print(f"bare model, batch {size:2d}: {speed:6.1f} faces/s", flush=True)
        best = max(by_batch, key=lambda size: by_batch[size])

        def ask(target: str) -> float:
            return requests_per_second(ask_for(target, message, CONCURRENCY, options.seconds))

        measures: dict[str, Callable[[], float]] = {
            "served": lambda: ask(plain),
            "served in batches": lambda: ask(batched),
            f"bare model, batch {best}": lambda: bare.faces_per_second(best, options.seconds),
            "Flask": lambda: flask_requests_per_second(port, bare.face, options.seconds),
        }
        speeds: dict[str, list[float]] = {name: [] for name in measures}
        for measure in measures.values():
            measure()  # warms up
        for _ in range(options.rounds):
            for name, measure in measures.items():
                speeds[name].append(measure())
            line = "; ".join(f"{name}: {each[-1]:.1f}/s" for name, each in speeds.items())
            print(line, flush=True)
    served, merged, direct, flask = map(statistics.median, speeds.values())
    at = f"requests/s at concurrency {CONCURRENCY}"
    over_bare = f"{at} over the bare model's faces/s"
    print_figure("serving_throughput", served / direct, unit=over_bare, target=0.9)
    print_figure("serving_throughput_batched", merged / direct, unit=over_bare, target=0.9)
    print_figure("serving_over_flask", served / flask, unit=f"{at} over Flask's", target=5.0)


if __name__ == "__main__":
    main()
