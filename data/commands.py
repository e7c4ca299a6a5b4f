"""The command line of the data room: `unmask extract`."""

from __future__ import annotations

import pathlib
import threading
from typing import TYPE_CHECKING, Annotated

import rich
import typer
from rich.table import Table

from data.progress import progress_bar

if TYPE_CHECKING:
    from data.datasets.base import SourceVideo
    from data.extraction import ExtractionOptions


def extract(
    dataset: Annotated[
        str, typer.Option(help="Layout of the input: faceforensics, manifest or synthetic.")
    ],
    input: Annotated[
        pathlib.Path, typer.Option(help="The dataset's folder; for manifest also the CSV file.")
    ],
    output: Annotated[
        pathlib.Path, typer.Option(help="Folder for the TFRecords, ledger.csv and dataset.json.")
    ],
    splits: Annotated[
        pathlib.Path | None,
        typer.Option(help="Folder of the official split lists (train.json, val.json, test.json)."),
    ] = None,
    frames_per_video: Annotated[
        int, typer.Option(min=1, help="Frames looked at in each video, evenly spaced in time.")
    ] = 32,
    detector: Annotated[str, typer.Option(help="What finds the faces: mtcnn.")] = "mtcnn",
    workers: Annotated[int, typer.Option(min=1, help="Processes that extract side by side.")] = 1,
) -> None:
    """Extract face crops from videos into TFRecords, one Example a video.

    Every input ends in one row of OUTPUT/ledger.csv, whatever became of it. A fake and what it
    was made from always share a split. An interrupted job goes on where it stopped, and a
    finished one is not repeated.

    Example: unmask extract --dataset faceforensics --input FaceForensics --splits splits
    --output runs/ffpp
    """
    from data.datasets import registry as datasets
    from data.detectors import registry as detectors
    from data.errors import UsageError

    if detector not in detectors.NAMES:
        raise UsageError(
            f"unknown detector '{detector}': choose one of {', '.join(detectors.NAMES)}"
        )
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output}: is a file; --output names a folder")
    videos = datasets.read(dataset, input, splits)

    from data.extraction import ExtractionOptions
    from data.faces import FaceOptions

    options = ExtractionOptions(
        detector=detector, faces=FaceOptions(frames_per_video=frames_per_video)
    )
    extract_with_progress(videos, output, options, workers=workers)


def extract_with_progress(
    videos: list[SourceVideo], output: pathlib.Path, options: ExtractionOptions, workers: int
) -> None:
    """Runs the extraction job under a progress bar and prints what became of the videos."""
    from data import extraction, splits

    assignments = splits.assign(videos, fractions=options.fractions, salt=options.salt)
    report = splits.audit(videos, assignments)
    for split, count in report.splits.items():
        rich.print(
            f"{split:5} {count.videos:6} videos: {count.reals} real, {count.fakes} fake, "
            f"of {count.groups} source groups"
        )
    if report.refused:
        rich.print(f"{len(report.refused)} videos are refused; the ledger will say why")
    work = extraction.work_folder(output, options)
    done = threading.Event()
    with progress_bar("videos") as progress:
        task = progress.add_task("Extracting faces", total=len(videos))

        def watch() -> None:
            while not done.wait(0.5):
                progress.update(task, completed=extraction.count_finished(work))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            rows = extraction.extract(videos, output, options, workers=workers)
        finally:
            done.set()
            watcher.join()
        progress.update(task, completed=len(rows))

    table = Table(title=f"{len(rows)} videos", title_justify="left")
    for column in ("status", "train", "eval", "test", "no split", "used"):
        table.add_column(column, justify="left" if column == "status" else "right")
    for status in sorted({row.status for row in rows}, key=lambda status: status.value):
        of_status = [row for row in rows if row.status is status]
        table.add_row(
            status.value,
            *(
                str(sum(row.split == split for row in of_status) or "")
                for split in ("train", "eval", "test", "")
            ),
            str(sum(row.used for row in of_status)),
        )
    rich.print(table)
    rich.print(f"Examples and ledger: {output}")
