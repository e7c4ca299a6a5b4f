"""`unmask serve`: the embedded server."""

from __future__ import annotations

import pathlib
from typing import Annotated

import rich
import rich.console
import rich.markup
import typer

from data.errors import UsageError

_DRAIN_S = 30.0


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
    import logging
    import os
    import signal
    import threading

    import tensorflow as tf
    from rich.logging import RichHandler

    from serving.server.server import ModelServer

    # Process-wide, and only before TensorFlow's first operation. One thread an operation
    # and one operation a core doubled the throughput of concurrent requests.
    tf.config.threading.set_intra_op_parallelism_threads(threads_per_request)
    tf.config.threading.set_inter_op_parallelism_threads(os.cpu_count() or 1)

    logger = logging.getLogger("serving")
    logger.addHandler(RichHandler(console=rich.console.Console(stderr=True), show_path=False))
    logger.setLevel(logging.INFO)
    logger.propagate = False

    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    server = ModelServer(models, model_name=model_name, host=host, port=grpc_port)
    try:
        server.start()
    except OSError as error:
        raise UsageError(
            f"{error}; is another server running there? Choose another --grpc-port"
        ) from error
    served = server.manager.available()
    for name, versions in served.items():
        rich.print(f"{rich.markup.escape(name)}: version {', '.join(map(str, versions))}")
    if not served:
        rich.print(f"{rich.markup.escape(str(models))}: no model can be served yet; waiting")
    rich.print(f"Serving gRPC at {server.target}. Ctrl-C stops.")
    stopping.wait()
    rich.print("Stopping: requests under way may end.")
    server.stop(_DRAIN_S)
