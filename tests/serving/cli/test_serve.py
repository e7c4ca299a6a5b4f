import pathlib
import signal
import subprocess
import sys

import pytest

from data.utils.errors import UsageError
from serving import Client
from serving.client import ServingError
from tests.serving.cli.command_line import run

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[3]


def test_wrong_use_is_named(tmp_path):
    result = run("serve", "--models", tmp_path / "none")
    assert isinstance(result.exception, UsageError)
    assert "none: no such folder" in str(result.exception)


def test_importing_the_commands_is_light():
    heavy = "{'tensorflow', 'grpc', 'numpy', 'av', 'cv2', 'pydantic', 'matplotlib'}"
    script = f"import sys, serving.cli; print(*({heavy} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == ""


def test_serve_waits_picks_up_answers_and_drains(push, tmp_path, wait_until):
    script = "import typer; from serving.cli import serve; typer.run(serve.serve)"
    models = str(tmp_path / "serving")
    with subprocess.Popen(
        [
            sys.executable,
            "-u",
            "-c",
            script,
            "--models",
            models,
            "--grpc-port",
            "0",
            "--host",
            "[::1]",
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = ""
            while "Serving gRPC at" not in said:
                line = process.stdout.readline()
                assert line, said
                said += line
            assert "no model can be served yet; waiting" in said
            target = said.rpartition("Serving gRPC at ")[2].split()[0].rstrip(".")
            push("tiny", 1)

            def answers():
                with Client(target, "tiny") as client:
                    try:
                        return client.track_width() == 4
                    except ServingError:
                        return False

            wait_until(answers)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()
