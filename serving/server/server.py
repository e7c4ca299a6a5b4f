"""The server: watches folders, loads what appears there, answers over gRPC."""

import concurrent.futures
import functools
import logging
import os
import pathlib
import threading
import time
from collections.abc import Callable
from types import TracebackType

import grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc
from tensorflow_serving.config import model_server_config_pb2

from data.errors import UsageError
from serving.channel import MESSAGE_OPTIONS
from serving.server import configuration, loading
from serving.server.api import Api
from serving.server.errors import StatusError
from serving.server.handlers import ModelHandler, PredictionHandler
from serving.server.manager import Manager, RetryPolicy
from serving.server.options import ServerOptions
from serving.server.servable import Servable
from serving.server.server_core import ServerCore
from serving.server.source import ConfigSource, RootSource, Source

logger = logging.getLogger(__name__)


class Server:
    """Serves models with TensorFlow Serving's gRPC API.

    A new version is loaded, and warmed up, before the old one is unloaded, and requests under
    way end on the version they began with. Messages may have
    `serving.channel.MAX_MESSAGE_BYTES`.

    Attributes:
        manager: the versions and what became of them.

    Args:
        options: what to serve, and how.
    """

    def __init__(self, options: ServerOptions) -> None:
        self._options = options
        self._port = options.port
        source: Source = (
            ConfigSource([]) if options.serving_root is None else RootSource(options.serving_root)
        )
        self._core = ServerCore(
            functools.partial(loading.load, enable_model_warmup=options.enable_model_warmup),
            source,
            retry_policy=options.retry_policy,
            allow_version_labels_for_unavailable_models=(
                options.allow_version_labels_for_unavailable_models
            ),
        )
        self._stopping = threading.Event()
        self._pollers: list[threading.Thread] = []
        self._grpc: grpc.Server | None = None

    @property
    def manager(self) -> Manager[Servable]:
        """The versions and what became of them."""
        return self._core.manager

    @property
    def target(self) -> str:
        """`host:port` for clients; the port is known once the server has started."""
        return f"{self._options.host}:{self._port}"

    def start(self) -> None:
        """Loads what is there, then begins to answer.

        A model that cannot be loaded does not keep the others from being served.

        Raises:
            OSError: the address cannot be listened on.
            StatusError: the models' config is refused; see `ServerCore.adopt`.
        """
        options = self._options
        server = grpc.server(
            concurrent.futures.ThreadPoolExecutor(options.grpc_max_threads, "request"),
            # Else a second server on the same port would silently share its requests.
            options=[*MESSAGE_OPTIONS, ("grpc.so_reuseport", 0)],
        )
        api = Api(self._core)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionHandler(api), server
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelHandler(api), server)
        try:
            self._port = server.add_insecure_port(self.target)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {self.target}: {error}") from error
        if options.model_server_config is None:
            self._core.poll()
        else:
            self._core.adopt(options.model_server_config)
        self._core.wait_for_loads()
        server.start()
        self._grpc = server
        self._repeat(self._core.poll, options.file_system_poll_wait_seconds)
        if options.model_config_file is not None:
            self._repeat(
                functools.partial(self._reread, options.model_config_file),
                options.model_config_file_poll_wait_seconds,
            )

    def stop(self, grace_s: float = 30.0) -> None:
        """Takes no new requests, lets those under way end, and lets go of the models.

        Args:
            grace_s: seconds after which requests under way are cut off, and loads under way
                are no longer waited for.
        """
        self._stopping.set()
        if self._grpc is None:
            return
        give_up = time.monotonic() + grace_s
        self._grpc.stop(grace_s).wait()
        for poller in self._pollers:
            poller.join(max(0.0, give_up - time.monotonic()))
        self.manager.close(max(0.0, give_up - time.monotonic()))

    def __enter__(self) -> "Server":
        """Starts the server."""
        self.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stops the server."""
        self.stop()

    def _repeat(self, action: Callable[[], None], interval_s: float) -> None:
        """Does something again and again until the server stops; never if the interval is 0."""
        if not interval_s:
            return

        def repeat() -> None:
            while not self._stopping.wait(interval_s):
                action()

        poller = threading.Thread(target=repeat, daemon=True)
        self._pollers.append(poller)
        poller.start()

    def _reread(self, path: pathlib.Path) -> None:
        """Adopts what the models' config file says now; if it is no good, nothing changes."""
        config = model_server_config_pb2.ModelServerConfig()
        try:
            self._core.adopt(configuration.read_text_proto(path, config))
        except (UsageError, StatusError) as error:
            logger.error("%s: not reloaded: %s", path, error)


class ModelServer(Server):
    """Serves every model under a folder: what tests and the pipeline need.

    Example:
        with ModelServer("serving", port=0) as server:
            prediction = Client(server.target, "xception").predict("clip.mp4")

    Args:
        folder: the serving root, `<root>/<model>/<version>/`; with `model_name` that
            model's own folder, `<folder>/<version>/`.
        model_name: serve this one model from `folder`.
        host: address to listen on; `0.0.0.0` for all. Traffic is not encrypted.
        port: 0 for any free one.
        poll_interval_s: seconds between two looks at the folder.
        retry_policy: when a failed load is tried again.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        model_name: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
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
                file_system_poll_wait_seconds=poll_interval_s,
                retry_policy=retry_policy,
            )
        )
