"""Requests a second of the embedded server, against the bare model.

Sixteen clients each send one face of 224 px at a time over the loopback, to `python -m
serving.server` over gRPC and to the same with batching. The bare model is the same signature
called in its best batch size. All have processes of their own and are measured in turn; medians
are compared.

    python -m benchmarks.serving_throughput [--model runs/demo/serving/efficientnet_v2_b0/1]
"""

import contextlib
import statistics
from collections.abc import Callable

from benchmarks.utils import serving
from benchmarks.utils.figures import print_figure
from benchmarks.utils.load_generator import ask_for, requests_per_second

CONCURRENCY = 16
BATCH_SIZES = (1, 2, 4, 8, 16, 32)


def main() -> None:
    """Measures and prints."""
    options = serving.arguments(__doc__, timed=True).parse_args()
    serving.print_load()
    with contextlib.ExitStack() as stack:
        root = stack.enter_context(serving.serving_root(options.model))
        bare = stack.enter_context(serving.BareModel(root))
        _, plain = stack.enter_context(serving.server(root))
        _, batched = stack.enter_context(serving.server(root, batched=True))
        message = serving.predict_message()

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
        }
        speeds: dict[str, list[float]] = {name: [] for name in measures}
        for measure in measures.values():
            measure()  # warms up
        for _ in range(options.rounds):
            for name, measure in measures.items():
                speeds[name].append(measure())
            line = "; ".join(f"{name}: {each[-1]:.1f}/s" for name, each in speeds.items())
            print(line, flush=True)
    served, merged, direct = map(statistics.median, speeds.values())
    over_bare = f"requests/s at concurrency {CONCURRENCY} over the bare model's faces/s"
    print_figure("serving_throughput", served / direct, unit=over_bare, target=0.9)
    print_figure("serving_throughput_batched", merged / direct, unit=over_bare, target=0.9)


if __name__ == "__main__":
    main()
