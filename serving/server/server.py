"""The server: watches folders, loads what appears there, answers over gRPC."""

import logging
import os
import pathlib
import threading
from types import TracebackType

from serving.server import source as sources
from serving.server.api import Api
from serving.server.grpc_server import GrpcServer
from serving.server.manager import Manager, RetryPolicy
from serving.server.servable import Servable

logger = logging.getLogger(__name__)


class ModelServer:
    """Serves every model under a folder with TensorFlow Serving's gRPC API.

    The latest version of each model is served. A new version is loaded, and warmed up,
    before the old one is unloaded, and requests under way end on the version they began
    with. Messages may have `serving.channel.MAX_MESSAGE_BYTES`.

    Example:
        with ModelServer("serving", port=0) as server:
            prediction = Client(server.target, "xception").predict("clip.mp4")

    Attributes:
        manager: the versions and what became of them.

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
        path = pathlib.Path(folder)
        self._source: sources.Source = (
            sources.RootSource(path)
            if model_name is None
            else sources.BasePathSource(model_name, path)
        )
        self._host = host
        self._port = port
        self._poll_interval_s = poll_interval_s
        self._started = False
        self._stopping = threading.Event()
        self._poller = threading.Thread(target=self._poll_until_stopped, daemon=True)
        self.manager: Manager[Servable] = Manager(Servable, retry_policy)
        self._grpc = GrpcServer(Api(self.manager), host=host, port=port)

    @property
    def target(self) -> str:
        """`host:port` for clients; the port is known once the server has started."""
        return f"{self._host}:{self._port}"

    def start(self) -> None:
        """Listens, loads what is there, then begins to answer.

        While models load, the health service answers and requests get UNAVAILABLE.

        Raises:
            OSError: the address cannot be listened on.
        """
        self._grpc.start()
        self._port = self._grpc.port
        self._poll()
        self._grpc.health.serve()
        self._started = True
        self._poller.start()

    def stop(self, grace_s: float = 30.0) -> None:
        """Takes no new requests, lets those under way end, and lets go of the models.

        Args:
            grace_s: seconds after which requests under way are cut off.
        """
        self._stopping.set()
        if not self._started:
            return
        self._grpc.stop(grace_s)
        self._poller.join()
        self.manager.reconcile({})

    def __enter__(self) -> "ModelServer":
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

    def _poll_until_stopped(self) -> None:
        while not self._stopping.wait(self._poll_interval_s):
            self._poll()

    def _poll(self) -> None:
        try:
            found = self._source.poll()
        except OSError as error:
            logger.warning("cannot look for models, what serves stays: %s", error)
            return
        self.manager.reconcile({name: sources.latest(versions) for name, versions in found.items()})
        available = self.manager.available()
        if available and all(name in available for name, versions in found.items() if versions):
            self._grpc.health.set_loaded()
