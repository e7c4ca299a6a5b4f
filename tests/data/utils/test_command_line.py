"""Commands end as a shell expects, whatever ends them."""

import os
import signal
import subprocess
import sys

import pytest

SCRIPT = """\
import logging, os, signal, sys, threading
from data.utils import command_line
from data.utils.errors import UsageError

def wrapped(number):  # as Beam does
    try:
        os.kill(os.getpid(), number)
    except KeyboardInterrupt as error:
        raise RuntimeError("KeyboardInterrupt [while running]") from error

def noisy(number):
    try:
        os.kill(os.getpid(), number)
    finally:
        logging.critical("a worker is gone")
        thread = threading.Thread(target=int, args=["x"])
        thread.start()
        thread.join()

def app():
    {app}

command_line.run(app)
"""


def run(app, **options):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "preexec_fn": take_interrupts}
    code = SCRIPT.format(app=app)
    return subprocess.run([sys.executable, "-c", code], text=True, check=False, **pipes | options)


def take_interrupts():
    """In a job of a script, which ignores SIGINT, a child would ignore it too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("app", "code", "said"),
    [
        pytest.param("print('done')", 0, "", id="returns"),
        pytest.param("sys.exit(3)", 3, "", id="exits"),
        pytest.param("raise UsageError('a: wrong')", 2, "unmask: a: wrong\n", id="mistake"),
        pytest.param(
            "os.kill(os.getpid(), signal.SIGINT)",
            130,
            "unmask: interrupted by SIGINT\n",
            id="SIGINT",
        ),
        pytest.param(
            "os.kill(os.getpid(), signal.SIGTERM)",
            143,
            "unmask: interrupted by SIGTERM\n",
            id="SIGTERM",
        ),
        pytest.param(
            "wrapped(signal.SIGINT)",
            130,
            "unmask: interrupted by SIGINT\n",
            id="interrupt that a library wrapped",
        ),
        pytest.param(
            "noisy(signal.SIGTERM)",
            143,
            "unmask: interrupted by SIGTERM\n",
            id="other threads complain",
        ),
    ],
)
def test_how_a_command_ends(app, code, said):
    result = run(app)
    assert (result.returncode, result.stderr) == (code, said)


def test_a_fault_of_ours_keeps_its_traceback():
    result = run("raise RuntimeError('a fault')")
    assert result.returncode == 1
    assert result.stderr.endswith("RuntimeError: a fault\n")


def test_a_full_disk_behind_standard_output_is_named():
    with open("/dev/full", "w") as full:
        result = run("print('a'); print('b')", stdout=full)
    assert result.returncode == 2
    assert result.stderr == ("unmask: standard output cannot be written: No space left on device\n")


def test_a_mistake_that_cannot_be_said_has_its_exit_code():
    with open("/dev/full", "w") as full:
        assert run("raise UsageError('a')", stderr=full).returncode == 2


def test_a_pipe_that_nobody_reads_ends_the_command_without_a_word():
    reader, writer = os.pipe()
    os.close(reader)
    result = run("print('a'); print('b')", stdout=writer)
    os.close(writer)
    assert (result.returncode, result.stderr) == (141, "")


def test_a_signal_that_is_ignored_stays_so():
    result = run(
        "os.kill(os.getpid(), signal.SIGINT)",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    assert result.returncode == 0
