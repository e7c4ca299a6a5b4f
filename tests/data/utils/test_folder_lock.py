import subprocess
import sys

import pytest

from data.utils.errors import OutputError
from data.utils.folder_lock import lock_folder


def test_one_process_at_a_time(tmp_path):
    folder = str(tmp_path / "new")
    again = lock_folder(folder, "another writes to it")
    with (
        lock_folder(folder, ""),
        pytest.raises(OutputError, match="new: another writes to it"),
        again,
    ):
        pass
    with lock_folder(folder, ""):
        pass


def test_a_process_that_was_killed_holds_nothing(tmp_path):
    code = (
        "import os, signal, sys\nfrom data.utils.folder_lock import lock_folder\n"
        "with lock_folder(sys.argv[1], ''):\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path]).returncode == -9
    with lock_folder(str(tmp_path), "held"):
        pass


def test_what_is_no_folder_cannot_be_locked(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(OutputError, match="file: cannot be written"),
        lock_folder(str(tmp_path / "file"), ""),
    ):
        pass
