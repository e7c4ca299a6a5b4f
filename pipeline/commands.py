"""The command line of the pipeline room: `unmask run`, `unmask metrics` and `unmask demo`."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Annotated

import rich
import typer
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from pipeline.runner import RunOutcome

EXIT_REFUSED = 3
"""The gate refused a candidate; the others are pushed all the same."""


def run(
    config: Annotated[pathlib.Path, typer.Option(help="YAML file, see configs/.")],
    set: Annotated[
        list[str] | None,
        typer.Option(help="Override, as key=value; the key is a path: models.0.steps=100."),
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Run every component, also unchanged ones.")
    ] = False,
) -> None:
    """Validate the Examples, train, evaluate, gate and push every configured model.

    Ends with 0 if every candidate is pushed or is what is being served, with 3 if the gate
    refused one. An unchanged run takes everything from the cache and pushes nothing again.

    Example: unmask run --config configs/faceforensics.yaml --set models.0.steps=500
    """
    from pipeline.config import load

    loaded = load(config, set or ())

    _silence_imports()
    from pipeline import runner

    outcome = runner.run(loaded, use_cache=not no_cache)
    report(outcome, pathlib.Path(loaded.output), loaded.serving_root)
    if any(model.version is None for model in outcome.models):
        raise typer.Exit(EXIT_REFUSED)


def metrics(
    folder: Annotated[pathlib.Path, typer.Argument(metavar="RUN", help="A run's `output` folder.")],
) -> None:
    """Show what the latest run measured on `test`: overall and slice by slice.

    Every figure counts videos. AUC is n/a where a slice holds one class only.

    Example: unmask metrics runs/demo
    """
    from data.errors import UsageError

    if not (folder / "config.yaml").is_file():
        raise UsageError(f"{folder}: holds no run; `unmask run` writes one to its `output` folder")

    _silence_imports()
    from pipeline import runner
    from pipeline.config import load

    outcome = runner.read_outcome(folder, load(folder / runner.CONFIG))
    print_metrics(outcome)


def demo(
    output: Annotated[pathlib.Path, typer.Option(help="Folder for all that the demo makes.")] = (
        pathlib.Path("runs/demo")
    ),
) -> None:
    """Run the whole road on a generated sample dataset, from clips to served verdicts.

    Generates clips from one portrait, extracts faces, trains EfficientNetV2-B0 and Xception,
    gates and pushes them, serves them, and asks about held-out clips. What it teaches is that
    everything works; its models know one face and detect nobody else's manipulation.
    """
    rich.print("Loading TensorFlow Extended ...")
    _silence_imports()
    from pipeline.demo import run_demo

    outcome = run_demo(output)
    if any(model.version is None for model in outcome.models):
        raise typer.Exit(EXIT_REFUSED)


def report(outcome: RunOutcome, output: pathlib.Path, serving_root: str) -> None:
    """Prints what ran, what was measured and what became of each candidate."""
    print_metrics(outcome)
    if outcome.cached:
        rich.print(f"{len(outcome.cached)} components unchanged, {len(outcome.ran)} ran")
    for model in outcome.models:
        if model.version is not None:
            rich.print(f"[green]{model.model}: serving as version {model.version}[/green]")
        else:
            rich.print(f"[red]{model.model}: refused, not pushed[/red]")
            for refusal in model.refusals:
                rich.print(f"  {escape(refusal)}")
    rich.print(f"Run: {output}\nPushed models: {serving_root}")


def print_metrics(outcome: RunOutcome) -> None:
    """Prints a table a model: all videos first, then each slice."""
    from pipeline.evaluation import read_metrics

    for model in outcome.models:
        table = Table(title=f"{model.model} on test", title_justify="left")
        table.add_column("slice")
        for column in ("videos", "AUC", "log loss", "accuracy at 0.5"):
            table.add_column(column, justify="right")
        for row in read_metrics(model.evaluation):
            table.add_row(
                escape(row.slice),
                str(row.videos),
                "n/a" if row.auc is None else f"{row.auc:.3f}",
                f"{row.log_loss:.3f}",
                f"{row.accuracy:.3f}",
            )
        rich.print(table)


def _silence_imports() -> None:
    """Keeps tensorflow-transform from warning that Keras 3 is used, which is on purpose."""
    import absl.logging

    absl.logging.set_verbosity(absl.logging.ERROR)
