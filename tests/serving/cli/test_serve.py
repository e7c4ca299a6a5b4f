import pathlib
import signal
import subprocess
import sys

import typer
from typer.testing import CliRunner

import serving.cli.serve
from data.utils.errors import UsageError
from serving.client.client import Client
from serving.client.errors import ServingError

ROOT = pathlib.Path(serving.cli.serve.__file__).parents[2]


def test_wrong_use_is_named(tmp_path):
    app = typer.Typer()
    app.command()(serving.cli.serve.serve)
    result = CliRunner().invoke(app, ["--models", str(tmp_path / "none")])
    assert isinstance(result.exception, UsageError)
    assert "none: no such folder" in str(result.exception)


def test_importing_the_commands_is_light():
    heavy = "{'tensorflow', 'grpc', 'numpy', 'av', 'cv2', 'pydantic', 'matplotlib'}"
    modules = "serving.cli.serve, serving.cli.predict, serving.cli.verify"
    script = f"import sys, {modules}; print(*({heavy} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == ""


def test_serve_waits_picks_up_answers_and_drains(push, tmp_path, wait_until):
    script = "import typer, serving.cli.serve; typer.run(serving.cli.serve.serve)"
    models = str(tmp_path / "serving")
    with subprocess.Popen(
        [sys.executable, "-u", "-c", script, "--models", models, "--grpc-port", "0"],
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
            assert "no model can be served yet; waiting" in " ".join(said.split())
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
