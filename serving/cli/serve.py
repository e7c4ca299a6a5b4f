"""`unmask serve`: the embedded server."""

from __future__ import annotations

import pathlib
from typing import Annotated

import typer

from data.utils.errors import UsageError


def serve(
    models: Annotated[
        pathlib.Path,
        typer.Option(help="Serving root: DIR/<model>/<version>/, as the pipeline pushes."),
    ],
    grpc_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port for gRPC; 0 takes any free one.")
    ] = 8500,
    rest_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port for REST, 0 for any free one; none: no REST."),
    ] = None,
    host: Annotated[
        str,
        typer.Option(help="Address to listen on, such as ::1; 0.0.0.0 lets other machines in."),
    ] = "127.0.0.1",
    model_name: Annotated[
        str | None,
        typer.Option(help="Serve one model of this name, whose versions lie in MODELS itself."),
    ] = None,
    threads_per_request: Annotated[
        int,
        typer.Option(
            min=1,
            help="Threads that one operation may use. 1 answers most requests per second; more "
            "answer a single request sooner.",
        ),
    ] = 1,
    ssl_config_file: Annotated[
        pathlib.Path | None,
        typer.Option(help="TensorFlow Serving's text proto SSLConfig; encrypts gRPC and REST."),
    ] = None,
    token_file: Annotated[
        pathlib.Path | None,
        typer.Option(help="Bearer tokens, one a line, of which every request must carry one."),
    ] = None,
    log_requests: Annotated[
        bool, typer.Option("--log-requests", help="Log requests that succeed, too.")
    ] = False,
) -> None:
    """Serve the newest version of every model under a folder, over gRPC and REST.

    Speaks TensorFlow Serving's API (PredictionService, ModelService), so that its clients
    work. New versions are picked up while serving, without dropping a request; Ctrl-C or
    SIGTERM lets requests under way end first. Messages may have up to 256 MiB; other clients
    must raise gRPC's own limit of 4 MiB for what they receive. `python -m serving.server`
    takes TensorFlow Serving's own flags and files: several models, version policies, labels,
    batching. Metrics are at /monitoring/prometheus/metrics of the REST port, health for probes
    at /healthz/ready and in gRPC's health service.

    Example: unmask serve --models runs/demo/serving --rest-port 8501
    """
    if not models.is_dir():
        raise UsageError(
            f"{models}: no such folder; --models names the serving root that a run pushes to, "
            "which holds MODEL/VERSION/saved_model.pb"
        )
    import sys

    from serving.server import process
    from serving.server.admission import ssl_config
    from serving.server.core import configuration
    from serving.server.monitoring import logs
    from serving.server.options import ServerOptions
    from serving.server.protos import monitoring_config_pb2
    from serving.server.server import Server

    folder = models.absolute()
    options = ServerOptions(
        serving_root=folder if model_name is None else None,
        model_server_config=(
            None if model_name is None else configuration.single_model(model_name, str(folder))
        ),
        host=host.strip("[]"),
        port=grpc_port,
        tensorflow_intra_op_parallelism=threads_per_request,
        rest_api_port=rest_port,
        ssl_config=None if ssl_config_file is None else ssl_config.read(ssl_config_file),
        bearer_token_file=token_file,
        monitoring_config=monitoring_config_pb2.MonitoringConfig(
            prometheus_config=monitoring_config_pb2.PrometheusConfig(enable=True)
        ),
        log_requests=log_requests,
    )
    logs.configure(sys.stderr)
    process.configure_tensorflow(options)
    process.freeze_imports()
    server = Server(options)
    try:
        server.start()
    except OSError as error:
        raise UsageError(
            f"{error}; choose another --grpc-port or --rest-port if another server has this one, "
            "and another --host if that is no address of this machine"
        ) from error
    shutdown_signal = process.ShutdownSignal()
    served = server.manager.available()
    for name, versions in served.items():
        typer.echo(f"{name}: version {', '.join(map(str, versions))}")
    if not served:
        typer.echo(f"{models}: no model can be served yet; waiting")
    if server.rest_target is not None:
        typer.echo(f"Serving REST at {server.rest_target}.")
    typer.echo(f"Serving gRPC at {server.target}. Ctrl-C stops.")
    shutdown_signal.wait()
    typer.echo("Stopping: requests under way may end.")
    server.stop()
