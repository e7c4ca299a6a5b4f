"""A job ends when one of its worker processes does, and says so."""

import pathlib
import signal
import subprocess
import sys
import time

import pytest

from data.extraction.worker_deaths import end_with_workers
from data.utils.errors import OutputError
from tests.data.bad_clips.encoding import encode, face_frames

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[3]


def workers_of(process):
    """Numbers of the processes of Beam below a process."""
    listed = subprocess.run(
        ["ps", "-eww", "-o", "pid,ppid,args"], capture_output=True, text=True
    ).stdout
    rows = [line.split(maxsplit=2) for line in listed.splitlines()[1:]]
    parents = {int(pid): int(parent) for pid, parent, _ in rows}

    def below(pid):
        while pid in parents:
            if pid == process.pid:
                return True
            pid = parents[pid]
        return False

    return [int(pid) for pid, _, args in rows if "sdk_worker_main" in args and below(int(pid))]


def test_a_killed_worker_ends_the_job(tmp_path):
    rows = ["file,label"]
    for number in range(40):
        encode(tmp_path / f"{number}.mp4", face_frames()[:6])
        rows.append(f"{number}.mp4,{'FAKE' if number % 2 else 'REAL'}")
    (tmp_path / "clips.csv").write_text("\n".join(rows))
    command = [sys.executable, "unmask.py", "extract", "--dataset", "manifest", "--workers", "2"]
    paths = ["--input", tmp_path / "clips.csv", "--output", tmp_path / "out"]
    with subprocess.Popen(
        [*command, *paths], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            while not (workers := workers_of(process)):
                assert process.poll() is None
                time.sleep(0.1)
            subprocess.run(["kill", "-9", *map(str, workers)], check=True)
            _, said = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 2
    assert "a worker process died" in said


def test_the_signal_and_the_hook_are_those_of_before():
    before = signal.getsignal(signal.SIGUSR1)
    with pytest.raises(OutputError), end_with_workers():
        raise OutputError("another")
    assert signal.getsignal(signal.SIGUSR1) == before
