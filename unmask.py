"""The command line: one application with the commands of all rooms."""

import data.utils.environment

# isort: split
import typer

import data.commands
import kubeflow.commands
import models.commands
import pipeline.commands
from data.utils import command_line
from serving.cli import predict, serve, verify

app = typer.Typer(
    name="unmask",
    help=(
        "Find face-swapped and face-reenacted people in video: extract face crops, train and "
        "gate models, serve them, and ask them about a clip. Scores visual face manipulation "
        "only: not voices, not wholly generated scenes."
    ),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
for command in (
    pipeline.commands.demo,
    data.commands.extract,
    data.commands.splits,
    data.commands.status,
    data.commands.sheet,
    models.commands.networks,
    models.commands.augmentations,
    models.commands.shortcuts,
    pipeline.commands.run,
    pipeline.commands.metrics,
    pipeline.commands.import_weights,
    serve.serve,
    predict.predict,
    verify.verify,
    kubeflow.commands.compile,
):
    app.command()(command)


def main() -> None:
    """Runs the command line; see `data.utils.command_line.run` for how it ends."""
    command_line.run(app)


if __name__ == "__main__":
    main()
