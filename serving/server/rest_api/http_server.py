"""The HTTP server of the REST API."""

import socket
import ssl
import threading
import time
from typing import Any

import uvicorn

from serving.server import addresses
from serving.server.rest_api.app import RestApp


class RestServer:
    """Serves TensorFlow Serving's REST API over HTTP or HTTPS, in its own thread.

    Args:
        app: answers the requests; `stop` closes it.
        host: address to listen on.
        port: 0 for any free one.
        tls: certificates; None to serve without encryption.
    """

    def __init__(
        self,
        app: RestApp,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._app = app
        self._host = host
        self._port = port
        self._server = uvicorn.Server(
            uvicorn.Config(
                app.asgi,
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                ssl_context_factory=None if tls is None else lambda *_: tls,
            )
        )
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """Of the address; known once the server has started."""
        return self._port

    def start(self) -> None:
        """Begins to answer.

        Raises:
            OSError: the address cannot be listened on.
        """
        listener = addresses.listen(self._host, self._port)
        # asyncio does so only for sockets of a stated protocol; without it, a client that delays
        # its acknowledgement waits 40 ms between an answer's head and its body.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._port = listener.getsockname()[1]
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="rest-loop", daemon=True
        )
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.001)

    def stop(self, grace_s: float = 30.0) -> None:
        """Answers the accepted requests, and takes no new ones.

        Args:
            grace_s: seconds after which requests under way are cut off.
        """
        if self._thread is not None:
            config: Any = self._server.config  # declared as whole seconds, awaited as any
            config.timeout_graceful_shutdown = grace_s
            self._server.should_exit = True
            self._thread.join()
        self._app.close()
