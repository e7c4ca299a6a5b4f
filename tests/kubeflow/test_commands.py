"""Mistakes that `unmask compile` names; what it compiles is in `test_compiler.py`."""

import pytest
import typer
from typer.testing import CliRunner

import configs
from data.utils.errors import UsageError
from kubeflow import commands


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--output", "pipeline.json"], "Kubeflow takes a .yaml file", id="json"),
        pytest.param(
            ["--output", "p.yaml", "--set", "kubeflow=null"], "kubeflow: is missing", id="section"
        ),
        pytest.param(
            ["--output", "p.yaml", "--set", "examples=absent"],
            "absent: holds no dataset.json",
            id="examples",
        ),
        pytest.param(
            ["--output", "p.yaml", "--set", "kubeflow.root=/pipeline"],
            "kubeflow.root: String should match",
            id="root",
        ),
    ],
)
def test_mistakes(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(commands.compile)
    config = ["--config", str(configs.FOLDER / "kubeflow.yaml")]
    with pytest.raises(UsageError, match=message):
        CliRunner().invoke(app, [*config, *arguments], catch_exceptions=False)
    assert list(tmp_path.iterdir()) == []
