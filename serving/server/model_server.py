"""A server of the models under a folder, with few options: for tests and the pipeline."""

import os
import pathlib

from serving.server.core import RetryPolicy, configuration
from serving.server.options import ServerOptions
from serving.server.server import Server


class ModelServer(Server):
    """Serves every model under a folder.

    Example:
        with ModelServer("serving", port=0) as server:
            prediction = Client(server.target, "xception").predict("clip.mp4")

    Args:
        folder: the serving root, `<root>/<model>/<version>/`; with `model_name` the folder of
            that model, `<folder>/<version>/`.
        model_name: serve only this model, from `folder`.
        host: address to listen on; `0.0.0.0` for all. Traffic is not encrypted.
        port: of gRPC; 0 for any free one.
        rest_api_port: of REST; 0 for any free one, None for no REST.
        poll_interval_s: seconds between two polls of the folder.
        retry_policy: when a failed load is tried again.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        model_name: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        rest_api_port: int | None = None,
        poll_interval_s: float = 1.0,
        retry_policy: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
    ) -> None:
        path = pathlib.Path(folder).absolute()
        super().__init__(
            ServerOptions(
                serving_root=path if model_name is None else None,
                model_server_config=(
                    None
                    if model_name is None
                    else configuration.single_model(model_name, str(path))
                ),
                host=host,
                port=port,
                rest_api_port=rest_api_port,
                file_system_poll_wait_seconds=poll_interval_s,
                retry_policy=retry_policy,
            )
        )
