"""A served model to ask, and the examples as a user starts them."""

import pathlib
import runpy

import pytest

from tests.serving.conftest import face_jpeg, push, saved_models, server

__all__ = ["face_jpeg", "push", "saved_models", "server"]

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"


@pytest.fixture
def run_example(monkeypatch, capsys):
    """Runs a Python example with arguments, and returns what it printed."""

    def run(name, *arguments):
        monkeypatch.setattr("sys.argv", [name, *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return run
