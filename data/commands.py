"""The command line of the data room: `unmask extract`, `splits`, `status` and `sheet`."""

import pathlib
from typing import Annotated, Any

import rich
import typer
from rich.markup import escape

DatasetOption = Annotated[
    str | None,
    typer.Option(
        help="Layout of the input: faceforensics, celeb_df, dfdc, uadfv, manifest or synthetic."
    ),
]
InputOption = Annotated[
    str | None,
    typer.Option(help="The dataset's folder or URL; for manifest the CSV file."),
]
SplitsOption = Annotated[
    str | None,
    typer.Option(
        help="The official lists: for faceforensics the folder of train.json, val.json and "
        "test.json, for celeb_df the file List_of_testing_videos.txt."
    ),
]
OfficialOption = Annotated[
    bool | None,
    typer.Option("--official", help="Take official lists as they are, also where they leak."),
]
BalanceOption = Annotated[
    bool | None,
    typer.Option(
        "--balance", help="Leave out fakes until no split of a dataset has more than reals."
    ),
]
ConfigOption = Annotated[
    pathlib.Path | None,
    typer.Option(help="YAML file with all of it, and with several datasets: see configs/."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Another value for a key of --config: faces.max_tracks=2."),
]


def extract(
    dataset: DatasetOption = None,
    input: InputOption = None,
    output: Annotated[
        str | None,
        typer.Option(help="Folder or URL for the TFRecords, ledger.csv and dataset.json."),
    ] = None,
    splits: SplitsOption = None,
    official: OfficialOption = None,
    balance: BalanceOption = None,
    frames_per_video: Annotated[
        int | None,
        typer.Option(help="Frames searched in each video, evenly spaced in time (default: 32)."),
    ] = None,
    every_nth_frame: Annotated[
        int | None, typer.Option(help="Look at every n-th frame instead, however many that makes.")
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(
            help="What finds the faces: mtcnn (default), blazeface, retinaface:WEIGHTS, "
            "or your own as package.module:Class."
        ),
    ] = None,
    boxes_from: Annotated[
        str | None,
        typer.Option(help="For a fake whose original is known: own boxes, or the original's."),
    ] = None,
    rotated_faces: Annotated[
        bool | None,
        typer.Option(
            "--rotated-faces",
            help="Search a frame without a face again at 90, 180 and 270 degrees.",
        ),
    ] = None,
    face_videos: Annotated[
        bool | None, typer.Option("--face-videos", help="Also write each track as a small MP4.")
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(help="Seconds for any video (default: 600); long and large ones get more."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that extract side by side (default: 1).")
    ] = None,
    config: ConfigOption = None,
    set: SetOption = None,
) -> None:
    """Extract face crops from videos into TFRecords, one Example a video.

    Every input ends in one row of OUTPUT/ledger.csv, whatever became of it. A fake and what it
    was made from always share a split. An interrupted job continues where it stopped. With
    further videos in the input only these are extracted. A finished job is not repeated. Ends with
    0 if every input could be read, with 1 if not, with 2 on wrong use; the others are extracted all
    the same.

    Example: unmask extract --dataset faceforensics --input FaceForensics --splits splits
    --output runs/ffpp
    """
    from data.detectors import detector_fingerprint
    from data.extraction import display, from_command_line, runners
    from data.ledger import NOT_READ

    changes = {
        "output": output,
        "balance": balance,
        "faces.frames_per_video": frames_per_video,
        "faces.every_nth_frame": every_nth_frame,
        "faces.rotated_faces": rotated_faces,
        "detector": detector,
        "boxes_from": boxes_from,
        "face_videos": face_videos,
        "time_limit_s": time_limit,
        "workers": workers,
    }
    source = {"dataset": dataset, "input": input, "splits": splits, "official": official}
    settings = from_command_line(config, source, changes, set or ())
    settings.check_output_is_apart()
    detector_fingerprint(settings.detector)  # raises if it cannot be made, before anything is read
    paths = {"output": settings.output}
    for number, entry in enumerate(settings.datasets):
        paths[f"datasets.{number}.input"] = entry.input
    runners.check_reachable(settings.runner, settings.runner_options, paths)
    rows = display.extract_with_progress(
        settings.read_listings(),
        settings.output,
        settings.options(),
        runners.pipeline_options(settings.runner, settings.workers, settings.runner_options),
    )
    if any(row.status in NOT_READ for row in rows):
        raise typer.Exit(1)


def splits(
    dataset: DatasetOption = None,
    input: InputOption = None,
    splits: SplitsOption = None,
    official: OfficialOption = None,
    balance: BalanceOption = None,
    config: ConfigOption = None,
    set: SetOption = None,
) -> None:
    """Show which video would go to which split, what is dropped and why; extracts nothing.

    Counts videos, fakes, groups of videos that belong together and identities by split, and says
    what the dataset cannot tell. No video is opened. Of a partial download on this machine it
    counts what is there.

    Example: unmask splits --dataset dfdc --input dfdc_train_part_3/metadata.json
    """
    from data.extraction import from_command_line
    from data.splits import assign, audit, leave_out_fakes, print_audit

    source = {"dataset": dataset, "input": input, "splits": splits, "official": official}
    changes: dict[str, Any] = {"balance": balance}
    if config is None:
        changes["output"] = "nowhere"  # an extraction needs one; nothing is written here
    settings = from_command_line(config, source, changes, set or ())
    listings = settings.read_listings()
    videos = [video for listing in listings for video in listing.videos]
    assignments = assign(videos, fractions=settings.fractions, salt=settings.salt)
    if settings.balance:
        assignments = leave_out_fakes(videos, assignments, salt=settings.salt)
    present = [listing.present() for listing in listings]
    print_audit(audit(present, assignments))


def status(
    output: Annotated[str, typer.Argument(help="Folder or URL that `unmask extract` writes to.")],
) -> None:
    """Show how far an extraction is, or what a finished one made of its videos.

    Can be asked in another terminal, at any time.

    Example: unmask status runs/ffpp
    """
    from data.extraction import display

    display.print_status(output)


def sheet(
    output: Annotated[str, typer.Argument(help="Folder or URL that `unmask extract` wrote.")],
    videos: Annotated[int, typer.Option(min=1, max=200, help="Rows of the sheet, at most.")] = 24,
    split: Annotated[str | None, typer.Option(help="Only videos of train, eval or test.")] = None,
    status: Annotated[
        str | None, typer.Option(help="Only videos of this status: damaged, no_face, ...")
    ] = None,
    picture: Annotated[
        str | None, typer.Option(help="PNG file to write (default: OUTPUT/sheet.png).")
    ] = None,
) -> None:
    """Draw what a model would see: one row a video with its crops in time, or why it has none.

    Example: unmask sheet runs/ffpp --status damaged --picture damaged.png
    """
    from data.visualization import contact_sheet

    path = contact_sheet.draw(output, picture, videos=videos, split=split, status=status)
    rich.print(f"Contact sheet: {escape(path)}")
