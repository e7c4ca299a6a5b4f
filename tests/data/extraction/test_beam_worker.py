import subprocess
import sys


def test_a_worker_of_beam_outlives_ctrl_c():
    code = (
        "import os, signal, data.extraction.beam_worker\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "print('goes on')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.stdout == "goes on\n"
