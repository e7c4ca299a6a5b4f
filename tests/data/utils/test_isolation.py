"""A worker survives whatever its function does, and says what that was."""

import concurrent.futures
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from data.utils.isolation import IsolatedWorker, WorkerDiedError, WorkerTimeoutError

pytestmark = pytest.mark.slow

MIB = 1 << 20


def act(what: str) -> object:
    """Does one thing that a decoder may do."""
    if what == "answer":
        return os.getpid()
    if what == "hang":
        time.sleep(3600)
    if what == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "exit":
        os._exit(3)
    if what == "allocate":
        return len(bytearray(1 << 33))
    if what == "read the limit":
        return LIMIT
    if what == "raise what cannot be sent":
        raise UnsendableError("two", "arguments")
    raise ValueError(what)


class UnsendableError(Exception):
    """Loses an argument when it is pickled."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first)


LIMIT = "unset"


def set_limit(value: str) -> None:
    global LIMIT
    LIMIT = value


def fail() -> None:
    raise ValueError("cannot be readied")


@pytest.fixture
def worker():
    with IsolatedWorker(memory_bytes=256 * MIB) as worker:
        yield worker


def test_calls_share_one_process_that_is_not_ours(worker):
    first, second = worker.run(60, act, "answer"), worker.run(60, act, "answer")
    assert first == second != os.getpid()


@pytest.mark.parametrize(
    ("what", "error", "message"),
    [
        ("hang", WorkerTimeoutError, "longer than 0.5 seconds"),
        ("segfault", WorkerDiedError, "ended by SIGSEGV"),
        ("exit", WorkerDiedError, "exit code 3"),
        ("allocate", MemoryError, None),
        ("anything else", ValueError, "anything else"),
        ("raise what cannot be sent", RuntimeError, "UnsendableError: two"),
    ],
)
def test_whatever_it_does_is_told_and_the_next_call_is_answered(worker, what, error, message):
    worker.wait()
    with pytest.raises(error, match=message):
        worker.run(0.5 if what == "hang" else 60, act, what)
    assert worker.run(60, act, "answer")


def test_initializer_readies_every_process():
    with IsolatedWorker(initializer=set_limit, initial_arguments=("seven",)) as worker:
        assert worker.run(60, act, "read the limit") == "seven"
        worker.close()
        assert worker.run(60, act, "read the limit") == "seven"


def test_a_process_that_cannot_be_readied_says_why():
    worker = IsolatedWorker(initializer=fail)
    with worker, pytest.raises(ValueError, match="readied"):
        worker.run(60, act, "answer")


def test_a_closed_worker_leaves_no_process(worker):
    process = worker.run(60, act, "answer")
    assert is_alive(process)
    worker.close()
    assert not is_alive(process)


def test_a_call_ends_when_another_thread_closes_the_worker(worker):
    worker.wait()
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        call = executor.submit(worker.run, 60, act, "hang")
        time.sleep(0.5)
        worker.close()
        with pytest.raises(WorkerDiedError, match="SIGKILL"):
            call.result(timeout=30)


def test_the_process_dies_with_a_parent_that_is_killed(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        "from data.utils.isolation import IsolatedWorker\n"
        "from tests.data.utils.test_isolation import act\n"
        "if __name__ == '__main__':\n"
        "    worker = IsolatedWorker()\n"
        "    print(worker.run(60, act, 'answer'), flush=True)\n"
        "    worker.run(3600, act, 'hang')\n"
    )
    root = pathlib.Path(__file__).resolve().parents[3]
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(root)},
        text=True,
    )
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 30
    while is_alive(child):
        assert time.monotonic() < deadline, f"process {child} outlived its parent"
        time.sleep(0.05)


def is_alive(process: int) -> bool:
    try:
        stat = pathlib.Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
