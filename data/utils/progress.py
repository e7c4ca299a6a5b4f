"""The progress bar of every command that goes through many things of one kind."""

from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def progress_bar(unit: str, *columns: str, **options: Any) -> Progress:
    """Makes a bar with the task's description, what is done of all, and the time left.

    Args:
        unit: what is counted, in the plural: `videos`.
        *columns: further texts, as `rich.progress.TextColumn` formats them.
        **options: of `rich.progress.Progress`.
    """
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        *map(TextColumn, columns),
        **options,
    )
