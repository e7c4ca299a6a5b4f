"""What a run prints: metrics by slice, and the outcome for each candidate."""

import os
import pathlib

import rich
from rich.markup import escape
from rich.table import Table

from pipeline.evaluation import read_metrics
from pipeline.run_outcome import RunOutcome


def report(outcome: RunOutcome, output: pathlib.Path, serving_root: str) -> None:
    """Prints the metrics, what came from the cache, and the outcome for each candidate."""
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
        rich.print(f"  curves and calibration: {escape(os.path.relpath(model.plots))}")
    for note in outcome.notes:
        rich.print(f"[yellow]Unknown of the data:[/yellow] {escape(note)}")
    rich.print(f"Run: {output}\nPushed models: {serving_root}")


def print_metrics(outcome: RunOutcome) -> None:
    """Prints a table a model: all videos first, then each slice."""
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
