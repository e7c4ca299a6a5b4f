"""The server: watches folders, loads what appears there, answers over gRPC."""

import concurrent.futures
import logging
import os
import pathlib
import threading
from types import TracebackType

import grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from serving.channel import MESSAGE_OPTIONS
from serving.server import source as sources
from serving.server.api import Api
from serving.server.handlers import ModelHandler, PredictionHandler
from serving.server.manager import Manager, RetryPolicy
from serving.server.servable import Servable

logger = logging.getLogger(__name__)

_WORKERS = 32
"""Requests answered at a time; further ones wait their turn."""


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
        self._stopping = threading.Event()
        self._poller = threading.Thread(target=self._poll_until_stopped, daemon=True)
        self._grpc: grpc.Server | None = None
        self.manager: Manager[Servable] = Manager(Servable, retry_policy)

    @property
    def target(self) -> str:
        """`host:port` for clients; the port is known once the server has started."""
        return f"{self._host}:{self._port}"

    def start(self) -> None:
        """Loads what is there, then begins to answer.

        Raises:
            OSError: the address cannot be listened on.
        """
        server = grpc.server(
            concurrent.futures.ThreadPoolExecutor(_WORKERS, "request"),
            # Else a second server on the same port would silently share its requests.
            options=[*MESSAGE_OPTIONS, ("grpc.so_reuseport", 0)],
        )
        api = Api(self.manager)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionHandler(api), server
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelHandler(api), server)
        try:
            self._port = server.add_insecure_port(self.target)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {self.target}: {error}") from error
        self._poll()
        server.start()
        self._grpc = server
        self._poller.start()

    def stop(self, grace_s: float = 30.0) -> None:
        """Takes no new requests, lets those under way end, and lets go of the models.

        Args:
            grace_s: seconds after which requests under way are cut off.
        """
        self._stopping.set()
        if self._grpc is None:
            return
        self._grpc.stop(grace_s).wait()
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
