"""The server: watches folders, loads the versions there, and answers over gRPC and REST."""

import functools
import logging
import pathlib
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType

from tensorflow_serving.config import model_server_config_pb2

from data.utils.errors import UsageError
from serving.server.addresses import host_and_port
from serving.server.admission import BearerTokens
from serving.server.api import Api
from serving.server.batching import ServerBatching, parameters
from serving.server.core import (
    ConfigSource,
    Manager,
    RootSource,
    Source,
    configuration,
)
from serving.server.core.server_core import ServerCore
from serving.server.errors import StatusError, invalid_argument
from serving.server.grpc_api import GrpcServer
from serving.server.monitoring import DEFAULT_METRICS_PATH, Metrics, Observer, RequestLogger
from serving.server.monitoring.request_log import RequestLog
from serving.server.options import ServerOptions
from serving.server.rest_api import RestApp, RestServer, server_context
from serving.server.servables import Servable, load_servable

logger = logging.getLogger(__name__)


class Server:
    """Serves models with TensorFlow Serving's API.

    A new version is loaded and warmed up before the old one is unloaded. A request ends on the
    version that it began with.

    Attributes:
        api: answers messages without a transport.
        manager: loads and unloads the versions.

    Args:
        options: what to serve, and how.

    Raises:
        UsageError: certificates or tokens cannot be used.
        StatusError: INVALID_ARGUMENT, the batching parameters do not fit together.
    """

    def __init__(self, options: ServerOptions) -> None:
        self._options = options
        source: Source = (
            ConfigSource([]) if options.serving_root is None else RootSource(options.serving_root)
        )
        self._metrics = Metrics(self._states)
        self._core = ServerCore(
            functools.partial(
                load_servable,
                enable_model_warmup=options.enable_model_warmup,
                batching=self._make_batching(),
                metrics=self._metrics,
            ),
            source,
            retry_policy=options.retry_policy,
            allow_version_labels_for_unavailable_models=(
                options.allow_version_labels_for_unavailable_models
            ),
            on_adopt=self._configure_request_log,
        )
        self._request_log = RequestLog({})
        observers: list[Observer] = [
            self._metrics.observe,
            self._request_log,
            RequestLogger(log_successes=options.log_requests),
        ]
        self.api = Api(self._core, self._metrics)
        token_file = options.bearer_token_file
        self._grpc = GrpcServer(
            self.api,
            host=options.host,
            port=options.port,
            max_threads=options.grpc_max_threads,
            socket_path=options.grpc_socket_path,
            channel_arguments=options.grpc_channel_arguments,
            tls=options.ssl_config,
            tokens=None if token_file is None else BearerTokens(token_file),
            limits=options.limits,
            observers=observers,
        )
        self._rest = None if options.rest_api_port is None else self._make_rest(observers)
        self._stopping = threading.Event()
        self._pollers: list[threading.Thread] = []
        self._started = False

    @property
    def manager(self) -> Manager[Servable]:
        """Loads and unloads the versions."""
        return self._core.manager

    @property
    def target(self) -> str:
        """`host:port` of gRPC; the port is known once the server has started."""
        return host_and_port(self._options.host, self._grpc.port)

    @property
    def rest_target(self) -> str | None:
        """`host:port` of REST, known once the server has started; None without REST."""
        rest = self._rest
        return None if rest is None else host_and_port(self._options.host, rest.port)

    def start(self) -> None:
        """Listens, loads the models, then begins to answer.

        While models load, health checks are answered and requests get UNAVAILABLE. The other
        models are served even if one cannot be loaded. A start that fails stops everything.

        Raises:
            OSError: an address cannot be listened on.
            StatusError: the models' config is refused; see `ServerCore.adopt`.
        """
        self._grpc.start()
        self._started = True
        try:
            self._start()
        except BaseException:
            self.stop(grace_s=0.0)
            raise

    def stop(self, grace_s: float = 30.0) -> None:
        """Takes no new requests, answers those under way, and unloads the models.

        Args:
            grace_s: seconds to wait for requests and loads under way; then requests are
                cancelled.
        """
        self._stopping.set()
        if not self._started:
            return
        self._started = False
        end = time.monotonic() + grace_s
        self._grpc.health.drain()  # first, so that REST refuses requests too
        if self._rest is not None:
            self._rest.stop(grace_s)
        self._grpc.stop(max(0.0, end - time.monotonic()))
        self._request_log.stop()
        for poller in self._pollers:
            poller.join(max(0.0, end - time.monotonic()))
        self.manager.close(max(0.0, end - time.monotonic()))

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

    def _start(self) -> None:
        options = self._options
        if self._rest is not None:
            self._rest.start()
        if options.model_server_config is None:
            self._core.poll()
        else:
            self._core.adopt(options.model_server_config)
        self._core.wait_for_loads()
        self._grpc.health.serve()
        self._update_readiness()
        self._repeat(self._poll, options.file_system_poll_wait_seconds)
        if options.model_config_file is not None:
            self._repeat(
                functools.partial(self._reread_models, options.model_config_file),
                options.model_config_file_poll_wait_seconds,
            )

    def _make_batching(self) -> ServerBatching | None:
        message = self._options.batching_parameters
        if message is None:
            return None
        return ServerBatching(
            parameters.of_message(message),
            per_model=self._options.enable_per_model_batching_parameters,
            on_run=self._metrics.observe_batch,
        )

    def _make_rest(self, observers: Sequence[Observer]) -> RestServer:
        options = self._options
        tls, monitoring = options.ssl_config, options.monitoring_config
        prometheus = None if monitoring is None else monitoring.prometheus_config
        app = RestApp(
            self.api,
            self._grpc.admission,
            threads=options.rest_api_num_threads,
            timeout_s=options.rest_api_timeout_in_ms / 1000,
            max_body_bytes=options.limits.max_message_bytes,
            cors=options.rest_api_enable_cors_support,
            observers=observers,
            metrics=self._metrics if prometheus is not None and prometheus.enable else None,
            metrics_path=(prometheus.path if prometheus else "") or DEFAULT_METRICS_PATH,
        )
        return RestServer(
            app,
            host=options.host,
            port=options.rest_api_port or 0,
            tls=None if tls is None else server_context(tls),
        )

    def _repeat(self, action: Callable[[], None], interval_s: float) -> None:
        """Repeats an action until the server stops; does nothing if the interval is 0."""
        if not interval_s:
            return

        def repeat() -> None:
            while not self._stopping.wait(interval_s):
                action()

        poller = threading.Thread(target=repeat, daemon=True)
        self._pollers.append(poller)
        poller.start()

    def _poll(self) -> None:
        self._core.poll()
        self._update_readiness()

    def _update_readiness(self) -> None:
        """The server is ready once every model has an available version."""
        if self._core.is_ready():
            self._grpc.health.set_loaded()

    def _reread_models(self, path: pathlib.Path) -> None:
        """Adopts the current models' config file; if it is wrong, nothing changes."""
        config = model_server_config_pb2.ModelServerConfig()
        try:
            self._core.adopt(configuration.read_text_proto(path, config))
        except (UsageError, StatusError) as error:
            logger.error("%s: not reloaded: %s", path, error)

    def _configure_request_log(self, models: Iterable[model_server_config_pb2.ModelConfig]) -> None:
        """Applies the `logging_config` of the models."""
        configs = {m.name: m.logging_config for m in models if m.HasField("logging_config")}
        try:
            self._request_log.configure(configs)
        except UsageError as error:
            raise invalid_argument(str(error)) from error

    def _states(self) -> dict[str, dict[int, str]]:
        return {
            name: {
                number: status.state.name for number, status in self.manager.statuses(name).items()
            }
            for name in self.manager.names()
        }
