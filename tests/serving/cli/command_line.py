"""Runs the commands that ask or are asked, as `unmask` does."""

import typer
from typer.testing import CliRunner

from serving.cli import predict, serve, verify

app = typer.Typer()
for command in (serve.serve, predict.predict, verify.verify):
    app.command()(command)


def run(*arguments):
    """Runs one, on a terminal that is wide enough for every row of a table."""
    runner = CliRunner(env={"COLUMNS": "400"})
    return runner.invoke(app, [str(argument) for argument in arguments])
