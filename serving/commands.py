"""The command line of the serving room: `unmask serve` and `unmask predict`."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Annotated

import rich
import rich.console
import rich.markup
import typer
from rich.table import Table

from data.errors import UsageError
from data.progress import progress_bar
from serving.video_files import videos_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serving.client import Client
    from serving.prediction import VideoPrediction



def serve(
    models: Annotated[
        pathlib.Path,
        typer.Option(help="Serving root: DIR/<model>/<version>/, as the pipeline pushes."),
    ],
    grpc_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port for gRPC; 0 takes any free one.")
    ] = 8500,
    host: Annotated[
        str,
        typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in (not encrypted)."),
    ] = "127.0.0.1",
    model_name: Annotated[
        str | None,
        typer.Option(help="Serve one model of this name, whose versions lie in MODELS itself."),
    ] = None,
    threads_per_request: Annotated[
        int,
        typer.Option(
            min=1,
            help="Threads that one operation may use. 1 answers most requests a second; "
            "more answer a lone request sooner.",
        ),
    ] = 1,
) -> None:
    """Serve the newest version of every model under a folder, over gRPC.

    Speaks TensorFlow Serving's API (PredictionService, ModelService), so that its clients
    work. New versions are picked up while serving, without dropping a request; Ctrl-C or
    SIGTERM lets requests under way end first. Messages may have up to 256 MiB; other clients
    must raise gRPC's own limit of 4 MiB for what they receive.

    Example: unmask serve --models runs/demo/serving
    """
    if not models.is_dir():
        raise UsageError(
            f"{models}: no such folder; --models names the serving root that a run pushes to, "
            "which holds MODEL/VERSION/saved_model.pb"
        )
    from rich.logging import RichHandler

    from serving.server import configuration, process
    from serving.server.options import ServerOptions
    from serving.server.server import Server

    folder = models.absolute()
    options = ServerOptions(
        serving_root=folder if model_name is None else None,
        model_server_config=(
            None if model_name is None else configuration.single_model(model_name, str(folder))
        ),
        host=host,
        port=grpc_port,
        tensorflow_intra_op_parallelism=threads_per_request,
    )
    process.log_to(RichHandler(console=rich.console.Console(stderr=True), show_path=False))
    process.configure_tensorflow(options)
    server = Server(options)
    try:
        server.start()
    except OSError as error:
        raise UsageError(
            f"{error}; is another server running there? Choose another --grpc-port"
        ) from error
    interruption = process.Interruption()
    served = server.manager.available()
    for name, versions in served.items():
        rich.print(f"{rich.markup.escape(name)}: version {', '.join(map(str, versions))}")
    if not served:
        rich.print(f"{rich.markup.escape(str(models))}: no model can be served yet; waiting")
    rich.print(f"Serving gRPC at {server.target}. Ctrl-C stops.")
    interruption.wait()
    rich.print("Stopping: requests under way may end.")
    process.drain(server)


def predict(
    videos: Annotated[
        list[pathlib.Path], typer.Argument(help="Video files; a folder stands for its videos.")
    ],
    model: Annotated[str, typer.Option(help="Name of the model to ask, as served.")] = "xception",
    server: Annotated[str, typer.Option(help="HOST:PORT of the model server.")] = "localhost:8500",
    output: Annotated[
        pathlib.Path | None,
        typer.Option(help="Also write a .csv (one row a video) or a .json (every track, frame)."),
    ] = None,
    frames_per_video: Annotated[
        int,
        typer.Option(
            min=1,
            help="Frames looked at, evenly spaced in time; best as many as the videos that the "
            "model was trained on were extracted with.",
        ),
    ] = 32,
) -> None:
    """Ask a served model whether the people in videos are face-swapped or reenacted.

    Every video gets REAL, FAKE or UNCERTAIN with a calibrated probability, or abstains and
    says why (no face, too small, too blurred, unreadable). Ends with 0 if every video could
    be read, with 1 if not, with 2 on wrong use.

    Example: unmask predict clip.mp4 --model xception --output results.csv
    """
    paths = _expand(videos)
    if output is not None:
        _check_output(output)

    from data.faces import FaceOptions
    from data.ledger import Status
    from serving import results
    from serving.client import Client
    from serving.errors import ServingError

    predictions: list[VideoPrediction] = []
    failure = None
    options = FaceOptions(frames_per_video=frames_per_video)
    with Client(server, model, options=options) as client:
        try:
            for prediction in _predict_all(client, paths):
                predictions.append(prediction)
        except ServingError as error:
            failure = error
    if predictions:
        print_predictions(predictions)
        if output is not None:
            results.write(predictions, output)
            rich.print(f"Written: {rich.markup.escape(str(output))}")
    if failure is not None:
        answered = f"{len(predictions)} of {len(paths)} videos were answered"
        raise UsageError(f"{failure}\n{answered}") from failure
    if any(p.status in (Status.UNREADABLE, Status.MISSING) for p in predictions):
        raise typer.Exit(1)


def print_predictions(predictions: list[VideoPrediction]) -> None:
    """Prints a table of verdicts, and what they are about."""
    from data.ledger import percent_encode
    from serving.prediction import SCOPE, Verdict

    styles = {Verdict.REAL: "green", Verdict.FAKE: "red", Verdict.UNCERTAIN: "yellow"}
    first = predictions[0]
    versions = sorted({p.model_version for p in predictions if p.model_version is not None})
    title = f"{first.model} version {', '.join(map(str, versions))}" if versions else first.model
    table = Table(title=rich.markup.escape(title), title_justify="left")
    table.add_column("video", overflow="fold")
    table.add_column("verdict")
    table.add_column("fake probability", justify="right")
    table.add_column("people", justify="right")
    table.add_column("remark", overflow="fold")
    for prediction in predictions:
        probability = prediction.fake_probability
        remark = f"{prediction.status.value}: {prediction.reason}" if prediction.reason else ""
        table.add_row(
            rich.markup.escape(percent_encode(prediction.path)),
            f"[{styles.get(prediction.verdict, 'dim')}]{prediction.verdict.name}[/]",
            "" if probability is None else f"{probability:.3f}",
            str(len(prediction.tracks)),
            rich.markup.escape(percent_encode(remark)),
        )
    rich.print(table)
    rich.print(SCOPE)


def _predict_all(client: Client, paths: list[pathlib.Path]) -> Iterator[VideoPrediction]:
    """Asks about each video, with a progress bar on standard error if there are several."""
    with progress_bar(
        "videos",
        console=rich.console.Console(stderr=True),
        disable=len(paths) < 2,
        transient=True,
    ) as progress:
        for path in progress.track(paths, description="Asking"):
            yield client.predict(path)


def _expand(videos: list[pathlib.Path]) -> list[pathlib.Path]:
    """Replaces folders by the video files in them, at any depth; other paths stay."""
    paths = []
    for video in videos:
        if not video.is_dir():
            paths.append(video)
            continue
        paths.extend(videos_in(video))
    return paths


def _check_output(output: pathlib.Path) -> None:
    """Fails before the work rather than after it."""
    if output.suffix.lower() not in (".csv", ".json"):
        raise UsageError(f"{output}: --output must end in .csv or .json")
    if not output.parent.is_dir():
        raise UsageError(f"{output.parent}: no such folder for --output")
