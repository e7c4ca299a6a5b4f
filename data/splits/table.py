"""Prints the audit of the splits for people."""

from collections.abc import Sequence

import rich
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from data.splits.report import DatasetReport, SplitCount, SplitReport
from data.utils.name_some import name_some

_NUMBERS = ("videos", "real", "fake", "groups", "people\n(in videos)", "original\nelsewhere")
_CAPTION = (
    "groups: clips that share a source and stay together; people (in videos): whom the dataset "
    "names, and in how many videos; original elsewhere: fakes whose original is not in their split"
)
_EXAMPLES = 2
"""Videos that are shown of each kind that was dropped."""


def print_audit(report: SplitReport, console: Console | None = None) -> None:
    """Prints what the splits hold, what was dropped and why, and what is not known.

    Args:
        report: of `data.splits.report.audit`.
        console: where to; the standard output if None.
    """
    console = console or rich.get_console()
    console.print(_splits_table(report))
    if any(dataset.dropped for dataset in report.datasets.values()):
        console.print(_dropped_table(report))
    people = [line for name, dataset in report.datasets.items() for line in _people(name, dataset)]
    _print_list(console, "People in more than one split", people)
    _print_list(console, "What the datasets do not tell", report.notes)
    _print_list(console, "What the pipeline would stop for", report.problems)


def _splits_table(report: SplitReport) -> Table:
    table = Table(title="Splits", title_justify="left", caption=_CAPTION, caption_justify="left")
    table.add_column("dataset")
    table.add_column("split")
    for column in _NUMBERS:
        table.add_column(column, justify="right")
    for name, dataset in report.datasets.items():
        label = Text(name)
        for split, count in dataset.splits.items():
            table.add_row(label, split, *_cells(count))
            label = Text()
        # Groups, people and originals do not matter for videos that are in no split.
        out = _cells(dataset.out)[:3]
        table.add_row(label, "none", *out, style="dim", end_section=True)
    return table


def _cells(count: SplitCount) -> tuple[str, ...]:
    if not count.videos:
        return ("0",)
    people = f"{count.identities} ({count.identified})" if count.identified else "unknown"
    originals = f"{count.without_original} of {count.with_known_original}"
    if not count.with_known_original:
        originals = "unknown" if count.fakes else ""
    numbers = (count.videos, count.reals, count.fakes, count.groups)
    return (*map(str, numbers), people, originals)


def _dropped_table(report: SplitReport) -> Table:
    table = Table(title="Dropped", title_justify="left", show_lines=True, expand=True)
    table.add_column("dataset")
    table.add_column("status", no_wrap=True)
    table.add_column("videos", justify="right")
    table.add_column("why", ratio=2)
    table.add_column("for example", overflow="fold", ratio=3)
    for name, dataset in report.datasets.items():
        for dropped in dataset.dropped:
            examples = (
                video_id.removeprefix(f"{name}/") for video_id in dropped.video_ids[:_EXAMPLES]
            )
            table.add_row(
                Text(name),
                dropped.status.value,
                str(len(dropped.video_ids)),
                Text(dropped.reason),
                Text("\n".join(examples)),
            )
    return table


def _people(name: str, dataset: DatasetReport) -> list[str]:
    lines = []
    for overlap in dataset.overlaps:
        where = " and ".join(overlap.splits)
        shared = f"{len(overlap.identities)} in {where} ({name_some(overlap.identities)})"
        lines.append(f"{name}: {shared}")
    videos = sum(count.videos for count in dataset.splits.values())
    unnamed = videos - sum(count.identified for count in dataset.splits.values())
    if not dataset.overlaps and unnamed < videos:
        lines.append(f"{name}: none of those who are named")
    if unnamed:
        lines.append(f"{name}: unknown for {unnamed} of {videos} videos, whose people have no name")
    return lines


def _print_list(console: Console, title: str, lines: Sequence[str]) -> None:
    if lines:
        console.print(Text(title, style="italic"))
    for line in lines:
        console.print(Padding(Text(f"- {line}"), (0, 0, 0, 2), expand=False))
