"""How long a request takes: alone against the bare call, and at half of the peak load.

A lone client and the bare signature, on one thread an operation as the server and on TensorFlow's
default, are timed in turn; the request is compared with the faster. The peak load is what sixteen
clients get answered; half of it is then sent at random times, whether or not answers come.

    python -m benchmarks.serving_latency [--model runs/demo/serving/efficientnet_v2_b0/1]
"""

import contextlib
import statistics

from benchmarks.utils import serving
from benchmarks.utils.figures import print_figure
from benchmarks.utils.load_generator import ask_at_rate, ask_for, check, requests_per_second

PEAK_CONCURRENCY = 16


def main() -> None:
    """Measures and prints."""
    options = serving.arguments(__doc__, timed=True).parse_args()
    serving.print_load()
    with contextlib.ExitStack() as stack:
        root = stack.enter_context(serving.serving_root(options.model))
        bare = {
            "one thread": stack.enter_context(serving.BareModel(root, threads=1)),
            "default threads": stack.enter_context(serving.BareModel(root)),
        }
        targets = {
            "": stack.enter_context(serving.server(root))[1],
            "_batched": stack.enter_context(serving.server(root, batched=True))[1],
        }
        message = serving.predict_message()
        direct: dict[str, list[float]] = {name: [] for name in bare}
        lone: dict[str, list[float]] = {name: [] for name in targets}
        tails: dict[str, list[float]] = {name: [] for name in targets}
        for target in targets.values():
            check(ask_for(target, message, PEAK_CONCURRENCY, options.seconds))  # warms up
        for _ in range(options.rounds):
            for name, model in bare.items():
                direct[name] += model.call_times(1, options.seconds)
            for name, target in targets.items():
                answers = ask_for(target, message, 1, options.seconds)
                check(answers)
                lone[name] += [answer.seconds for answer in answers]
            for name, target in targets.items():
                peak = requests_per_second(
                    ask_for(target, message, PEAK_CONCURRENCY, options.seconds)
                )
                answers = ask_at_rate(target, message, peak / 2, 2 * options.seconds)
                check(answers)
                times = sorted(answer.seconds for answer in answers)
                half, tail = statistics.median(times), times[int(0.99 * len(times))]
                tails[name].append(tail / half)
                print(
                    f"served{name}: peak {peak:.1f}/s; at half of it p50 {1000 * half:.1f} ms, "
                    f"p99 {1000 * tail:.1f} ms of {len(times)}",
                    flush=True,
                )
    for name, times in direct.items():
        print(f"bare call, {name}: p50 {1000 * statistics.median(times):.2f} ms")
    fastest = min(statistics.median(times) for times in direct.values())
    for name in targets:
        alone = statistics.median(lone[name])
        print(f"lone request, served{name}: p50 {1000 * alone:.2f} ms")
        over = 1000 * (alone - fastest)
        print_figure(f"serving_latency{name}", over, unit="ms above the bare call, p50", target=2.0)
        tail = statistics.median(tails[name])
        unit = "p99 over p50 at half of the peak load"
        print_figure(f"serving_tail{name}", tail, unit=unit, target=4.0)


if __name__ == "__main__":
    main()
