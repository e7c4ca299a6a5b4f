"""`unmask predict`: asks a served model about videos, and writes what it says."""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import rich
import rich.console
import rich.markup
import typer
from rich.progress import TaskID
from rich.table import Table

from data.ledger import NOT_READ, percent_encode
from data.utils.errors import UsageError
from data.utils.progress import progress_bar
from serving.cli.connection_options import (
    SERVER_HELP,
    ClientCertificate,
    ClientKey,
    RootCertificates,
    TokenFile,
    connect,
)
from serving.cli.result_paths import check_output, expand, result_paths
from serving.prediction import (
    LARGE_FACE_SHARE,
    Payload,
    Verdict,
    VideoPrediction,
    scope_sentences,
)

if TYPE_CHECKING:
    from serving.cli.prediction_run import PredictionRun
    from serving.client import Client


def predict(
    videos: Annotated[
        list[pathlib.Path], typer.Argument(help="Video files; a folder stands for its videos.")
    ],
    model: Annotated[str, typer.Option(help="Name of the model to ask, as served.")] = "xception",
    server: Annotated[str, typer.Option(help=SERVER_HELP)] = "localhost:8500",
    output: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="Also write a .csv (one row a video) or a .json: an audit record of every file, "
            "track and face, for `unmask verify`."
        ),
    ] = None,
    annotate: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="Also draw boxes and verdicts over the video: an .mp4, .mov or .mkv, or a folder "
            "for an .mp4 of each."
        ),
    ] = None,
    timeline: Annotated[
        pathlib.Path | None,
        typer.Option(help="Also draw scores over time: a .png, or a folder for one of each video."),
    ] = None,
    models: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="Serving root of the server, if it can be read from here: the thresholds and the "
            "model's fingerprint are read from it, since no server states them."
        ),
    ] = None,
    frames_per_video: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Frames to sample, evenly spaced in time; best as many as in the extraction that "
            "the model was trained on (default: as in `unmask extract`).",
        ),
    ] = None,
    rotated_faces: Annotated[
        bool,
        typer.Option(
            "--rotated-faces",
            help="Search a frame without a face again at 90, 180 and 270 degrees: up to four times "
            "the time for such a frame.",
        ),
    ] = False,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Another value for a key of `faces`, as in an extraction's config: "
            "faces.max_tracks=8, faces.min_sharpness=10.",
        ),
    ] = None,
    large_face_share: Annotated[
        float,
        typer.Option(
            min=0,
            help="A video is not called REAL while a face that was not judged is at least this "
            "share of the largest judged one.",
        ),
    ] = LARGE_FACE_SHARE,
    ask: Annotated[
        Payload,
        typer.Option(
            help="What to send: crops of the faces found here, or whole frames, in which the "
            "server finds them. The answer is the same."
        ),
    ] = "tracks",
    root_certificates: RootCertificates = None,
    client_certificate: ClientCertificate = None,
    client_key: ClientKey = None,
    token_file: TokenFile = None,
) -> None:
    """Ask a served model whether the people in videos are face-swapped or reenacted.

    Every video gets REAL, FAKE or UNCERTAIN with a calibrated probability, or abstains and
    says why (no face, too small, too blurred, unreadable). Ends with 0 if every video could
    be read, with 1 if not, with 2 on wrong use, with 130 on Ctrl-C, which keeps what was answered.

    Example: unmask predict clip.mp4 --model xception --output record.json --timeline clip.png
    """
    paths = expand(videos)
    if output is not None:
        check_output(output)
    annotated: Mapping[pathlib.Path, pathlib.Path] = {}
    if annotate is not None:
        from serving.visualization import CONTAINERS

        annotated = result_paths(annotate, paths, "--annotate", tuple(CONTAINERS))
    timelines = result_paths(timeline, paths, "--timeline", (".png",))
    if models is not None and not models.is_dir():
        raise UsageError(f"{models}: no such folder; --models names the server's serving root")

    from data.utils import yaml_config
    from serving.audit import OptionsRecord
    from serving.cli.prediction_run import FacesConfig, PredictionRun

    flags = [] if frames_per_video is None else [f"faces.frames_per_video={frames_per_video}"]
    flags += ["faces.rotated_faces=true"] if rotated_faces else []
    config = yaml_config.from_overrides(FacesConfig, [*flags, *(overrides or [])])
    options = OptionsRecord(
        server=server,
        model=model,
        detector="mtcnn",
        ask=ask,
        faces=config.faces,
        large_face_share=large_face_share,
    )
    run = PredictionRun(
        options,
        output=output,
        annotated=annotated,
        timelines=timelines,
        models=models,
    )
    with connect(
        server, options, root_certificates, client_certificate, client_key, token_file
    ) as client:
        failure = _ask_about(paths, client, run)
    answered = len(run.predictions)
    if answered:
        try:
            run.write(paths[answered:])  # first, since standard output may be closed or full
        finally:
            _print_predictions(run.predictions)
            for remark in run.remarks:
                typer.echo(remark)
        if output is not None:
            typer.echo(f"Written: {percent_encode(str(output))}")
    count = f"{answered} of {len(paths)} videos were answered"
    if isinstance(failure, KeyboardInterrupt):
        typer.echo(count, err=True)
        raise failure
    if failure is not None:
        raise UsageError(f"{failure}\n{count}") from failure
    if any(prediction.status in NOT_READ for prediction in run.predictions):
        raise typer.Exit(1)


def _ask_about(
    paths: Sequence[pathlib.Path], client: Client, run: PredictionRun
) -> BaseException | None:
    """Asks about one video after another; returns what stopped it early, if anything did."""
    from serving.client import ServingError

    console = rich.console.Console(stderr=True)
    with progress_bar("videos", console=console, transient=True) as progress:
        try:
            for path in progress.track(paths, description="Asking"):
                run.prepare(path)
                task = progress.add_task(rich.markup.escape(path.name), total=None)

                def show(done: int, total: int | None, task: TaskID = task) -> None:
                    progress.update(task, completed=done, total=total)

                run.add(path, client.predict(path, show))
                progress.remove_task(task)
        except (ServingError, UsageError, KeyboardInterrupt) as error:
            return error
    return None


def _print_predictions(predictions: Sequence[VideoPrediction]) -> None:
    """Prints a table of verdicts, and what they are about."""
    from serving.visualization import remark_text

    styles = {Verdict.REAL: "green", Verdict.FAKE: "red", Verdict.UNCERTAIN: "yellow"}
    model = predictions[0].model
    versions = sorted({p.model_version for p in predictions if p.model_version is not None})
    title = f"{model} version {', '.join(map(str, versions))}" if versions else model
    table = Table(title=rich.markup.escape(title), title_justify="left")
    table.add_column("video", overflow="fold")
    table.add_column("verdict")
    table.add_column("fake probability", justify="right")
    table.add_column("tracks judged", justify="right")
    table.add_column("remark", overflow="fold")
    for prediction in predictions:
        probability = prediction.fake_probability
        table.add_row(
            rich.markup.escape(percent_encode(prediction.path)),
            f"[{styles.get(prediction.verdict, 'dim')}]{prediction.verdict.name}[/]",
            "" if probability is None else f"{probability:.3f}",
            _judged_text(prediction),
            rich.markup.escape(remark_text(prediction)),
        )
    rich.print(table)
    # All versions that answered; most often they say the same.
    scopes = (scope_sentences(p.model_version, p.scope) for p in predictions)
    for sentence in dict.fromkeys(itertools.chain.from_iterable(scopes)):
        typer.echo(sentence)


def _judged_text(prediction: VideoPrediction) -> str:
    judged = len(prediction.tracks)
    unjudged = sum(prediction.facts.unjudged_counts.values()) if prediction.facts else 0
    return f"{judged} of {judged + unjudged}" if unjudged else str(judged)
