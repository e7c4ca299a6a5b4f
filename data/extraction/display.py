"""What an extraction shows on the terminal: the splits, a live bar, what became of the videos."""

import collections
import pathlib
import threading
import time
from collections.abc import Mapping, Sequence

import rich
from apache_beam.options.pipeline_options import PipelineOptions
from rich.markup import escape
from rich.progress import Progress, TaskID
from rich.table import Table

from data import contract, ledger
from data.datasets import Listing
from data.extraction import job, job_progress, output_layout
from data.extraction.job_progress import JobProgress
from data.extraction.options import ExtractionOptions
from data.extraction.output_layout import WORK_FOLDER
from data.extraction.plan import plan_extraction
from data.ledger import LedgerRow, Status
from data.splits import audit, print_audit
from data.utils import files
from data.utils.errors import UsageError
from data.utils.progress import progress_bar

_SECONDS_BETWEEN_LOOKS = 0.5
_SECONDS_OF_SILENCE = 120.0

WELL = frozenset((Status.OK, Status.DUPLICATE, Status.REFUSED_BALANCE))
"""Outcomes that need no attention."""


def extract_with_progress(
    listings: Sequence[Listing],
    output: str,
    options: ExtractionOptions,
    beam_options: PipelineOptions | None = None,
) -> list[LedgerRow]:
    """Runs the extraction job under a progress bar and prints what became of the videos.

    Args:
        listings: the datasets.
        output: folder or URL to write to.
        options: what decides the content.
        beam_options: see `data.extraction.job.run`.

    Returns:
        The ledger.

    Raises:
        UsageError: see `data.extraction.plan.plan_extraction` and `data.extraction.job.run`.
    """
    if files.is_local(output) and pathlib.Path(output).is_file():
        raise UsageError(f"{output}: is a file; --output names a folder")
    plan = plan_extraction(listings, output, options)
    print_audit(audit(plan.listings, plan.assignments))
    if plan.notice:
        rich.print(f"[yellow]{escape(plan.notice)}[/yellow]")
    if plan.is_done:
        rich.print("All of it was extracted before: nothing to do.")
    started = time.monotonic()
    with progress_bar("videos", "{task.fields[rate]}", "{task.fields[problems]}") as progress:
        task = progress.add_task("Extracting faces", total=len(plan.videos), rate="", problems="")
        done = threading.Event()
        watcher = threading.Thread(
            target=_watch, args=(plan.work, progress, task, done), daemon=True
        )
        watcher.start()
        try:
            rows = job.run(plan, beam_options)
        finally:
            done.set()
            watcher.join()
        counts = collections.Counter(row.status for row in rows)
        progress.update(task, completed=len(rows), problems=_problems(counts))
    _print_summary(rows, output)
    if not plan.is_done:
        seconds = time.monotonic() - started
        rich.print(f"{len(rows)} videos in {seconds:.0f} s, {_rate(len(rows), seconds)}")
    return rows


def print_status(output: str) -> None:
    """Prints how far the job that writes to `output` is, or what the finished one made.

    Raises:
        UsageError: nothing was ever extracted to there.
    """
    works = sorted(output_layout.find_work(output))
    jobs = [job_progress.read(files.join(output, WORK_FOLDER, work)) for work in works]
    is_whole = output_layout.read_description(output) is not None
    running = max(filter(None, jobs), key=lambda progress: progress.changed_s, default=None)
    is_silent = running is None or time.time() - running.changed_s > _SECONDS_OF_SILENCE
    if running is not None and not (is_whole and is_silent):
        _print_running(running, output)
    elif is_whole:
        _print_summary(output_layout.read_ledger(output), output)
    else:
        raise UsageError(
            f"{output}: holds no extraction, running or finished; name the --output of one"
        )


def _print_running(progress: JobProgress, output: str) -> None:
    silent_s = time.time() - progress.changed_s
    spent_s = progress.changed_s - progress.started_s
    known = f"{progress.done} of {progress.videos} videos, {_rate(progress.done, spent_s)}"
    if silent_s > _SECONDS_OF_SILENCE:
        known += f"; nothing new for {silent_s:.0f} s: stopped, or at a long video"
    elif progress.done:
        known += f"; {spent_s / progress.done * (progress.videos - progress.done):.0f} s left"
    rich.print(f"Extraction to {escape(output)}: {known}")
    for status, count in sorted(progress.counts.items(), key=lambda item: -item[1]):
        if count:
            rich.print(f"  {status.value:20}{count:8}")


def _watch(work: str, progress: Progress, task: TaskID, done: threading.Event) -> None:
    """Shows what the workers report until the job is done."""
    while not done.wait(_SECONDS_BETWEEN_LOOKS):
        reported = job_progress.read(work)
        if reported is not None:
            progress.update(
                task,
                completed=reported.done,
                rate=_rate(reported.done, time.time() - reported.started_s),
                problems=_problems(reported.counts),
            )


def _rate(videos: int, seconds: float) -> str:
    return f"{60 * videos / seconds:.0f} videos/minute" if seconds > 0 else ""


def _problems(counts: Mapping[Status, int]) -> str:
    troubled = [
        f"{count} {status.value}"
        for status, count in sorted(counts.items(), key=lambda item: -item[1])
        if count and status not in WELL
    ]
    return f"[yellow]{', '.join(troubled)}[/yellow]" if troubled else ""


def _print_summary(rows: Sequence[LedgerRow], output: str) -> None:
    summary = Table(title=f"{len(rows)} videos", title_justify="left")
    summary.add_column("status")
    for column in (*contract.SPLITS, "no split", "used", "faces", "tracks left out"):
        summary.add_column(column, justify="right")
    for status in sorted({row.status for row in rows}, key=lambda status: status.value):
        of_status = [row for row in rows if row.status is status]
        by_split = collections.Counter(row.split for row in of_status)
        summary.add_row(
            status.value,
            *(str(by_split[split] or "") for split in (*contract.SPLITS, "")),
            str(sum(row.used for row in of_status)),
            str(sum(row.faces for row in of_status if row.used)),
            str(sum(row.tracks_left_out for row in of_status)),
        )
    rich.print(summary)
    rich.print(f"Examples and ledger: {escape(output)} (every video's row: {ledger.FILE_NAME})")
