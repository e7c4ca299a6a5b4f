"""A served model under load for long, while versions come and go, and when it is stopped.

Sixty seconds of 64 clients: how many requests fail, and by how much does the server's resident
memory grow after the first sixth? Then sixteen clients send requests while ten new versions are
pushed one after the other: no request may fail, or be answered by a version before it was pushed
or after it was reported as gone. Last, with 64 clients again, SIGTERM: what was sent before must
be answered, what comes later may only be refused as UNAVAILABLE, and the server must end with 0.

    python -m benchmarks.serving_load [--model runs/demo/serving/efficientnet_v2_b0/1]
"""

import concurrent.futures
import pathlib
import shutil
import signal
import subprocess
import threading
import time

import grpc
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

from benchmarks.utils import serving
from benchmarks.utils.figures import memory_mib, print_figure
from benchmarks.utils.load_generator import Answer, ask_for, keep_asking

CONCURRENCY = 64
SWAP_CONCURRENCY = 16

_SENDING_S = 0.1
"""A request sent this long before SIGTERM counts as accepted by the server."""


def failures(answers: list[Answer]) -> int:
    """Counts the failed requests and prints their errors."""
    failed = [answer for answer in answers if answer.code is not grpc.StatusCode.OK]
    for error in sorted({f"{answer.code.name}: {answer.details}" for answer in failed}):
        print(f"  {error}", flush=True)
    return len(failed)


def measure_load(process: subprocess.Popen, target: str, message: bytes, seconds: float) -> None:
    """Prints what failed and how the memory grew."""
    answers = ask_for(target, message, CONCURRENCY, seconds / 6)
    before = memory_mib("VmRSS", process.pid)
    answers += ask_for(target, message, CONCURRENCY, 5 * seconds / 6)
    after = memory_mib("VmRSS", process.pid)
    print(f"{len(answers)} requests; resident {before:.0f} MiB, later {after:.0f} MiB", flush=True)
    unit = f"failed requests in {seconds:.0f} s at concurrency {CONCURRENCY}"
    print_figure("serving_load_errors", failures(answers), unit=unit, target=0)
    print_figure(
        "serving_load_memory", after / before, unit="resident, end over start", target=1.05
    )


def wait_for_version(target: str, version: int) -> None:
    """Returns once a version is available and all others are gone."""
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = serving.NAME
    available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
    end = get_model_status_pb2.ModelVersionStatus.END
    with grpc.insecure_channel(target) as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        while True:
            statuses = stub.GetModelStatus(request).model_version_status
            states = {status.version: status.state for status in statuses}
            wanted = dict.fromkeys(states, end) | {version: available}
            if states == wanted:
                return
            time.sleep(0.1)


def measure_swaps(
    process: subprocess.Popen, target: str, message: bytes, folder: pathlib.Path, swaps: int
) -> None:
    """Prints what failed and what was answered by a version that was not active."""
    done = threading.Event()
    pushed, gone = {1: 0.0}, {swaps + 1: float("inf")}
    before = memory_mib("VmRSS", process.pid)
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        asking = executor.submit(keep_asking, target, message, SWAP_CONCURRENCY, done.is_set)
        try:
            for version in range(2, swaps + 2):
                aside = folder / f".{version}"
                shutil.copytree(folder / "1", aside)
                pushed[version] = time.perf_counter()
                aside.rename(folder / str(version))
                wait_for_version(target, version)
                gone[version - 1] = time.perf_counter()
        finally:
            done.set()
        answers = asking.result()
    failed = failures(answers)
    stale = sum(
        answer.received < pushed[answer.version] or answer.sent > gone[answer.version]
        for answer in answers
        if answer.version
    )
    seen = sorted({answer.version for answer in answers if answer.version})
    print(f"{len(answers)} requests during the swaps, answered by versions {seen}", flush=True)
    print_figure(
        "serving_swap_errors", failed, unit=f"failed requests in {swaps} hot swaps", target=0
    )
    unit = f"answers of versions that were not active in {swaps} hot swaps"
    print_figure("serving_swap_stale", stale, unit=unit, target=0)
    grown = (memory_mib("VmRSS", process.pid) - before) / swaps
    print_figure("serving_swap_memory", grown, unit="MiB resident a hot swap")


def measure_stop(process: subprocess.Popen, target: str, message: bytes, seconds: float) -> None:
    """Prints what was lost when the server was stopped."""
    stopped = float("inf")

    def refused() -> bool:
        return process.poll() is not None or time.perf_counter() > stopped + 60

    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        asking = executor.submit(keep_asking, target, message, CONCURRENCY, refused)
        time.sleep(seconds)
        stopped = time.perf_counter()
        process.send_signal(signal.SIGTERM)
        code = process.wait()
        answers = asking.result()
    ended = [answer for answer in answers if answer.code is not grpc.StatusCode.OK]
    lost = [
        answer
        for answer in ended
        if answer.sent < stopped - _SENDING_S or answer.code is not grpc.StatusCode.UNAVAILABLE
    ]
    failures(lost)
    print(
        f"{len(answers)} requests, {len(ended)} refused; the server ended with {code}", flush=True
    )
    unit = f"accepted requests without an answer after SIGTERM at concurrency {CONCURRENCY}"
    print_figure("serving_stop_lost", len(lost), unit=unit, target=0)
    print_figure("serving_stop_exit", code, unit="exit code after SIGTERM", target=0)


def main() -> None:
    """Measures and prints."""
    parser = serving.arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the load")
    parser.add_argument("--swaps", type=int, default=10)
    options = parser.parse_args()
    serving.print_load()
    with serving.serving_root(options.model) as root, serving.server(root) as (process, target):
        message = serving.predict_message()
        measure_load(process, target, message, options.seconds)
        measure_swaps(process, target, message, root / serving.NAME, options.swaps)
        measure_stop(process, target, message, min(5.0, options.seconds))


if __name__ == "__main__":
    main()
