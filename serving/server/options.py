"""The options of a server."""

import dataclasses
import os
import pathlib
from collections.abc import Mapping

from tensorflow_serving.config import model_server_config_pb2

from serving.server.core import RetryPolicy
from serving.server.limits import Limits
from serving.server.protos import (
    batching_parameters_pb2,
    monitoring_config_pb2,
    ssl_config_pb2,
)


@dataclasses.dataclass(frozen=True)
class ServerOptions:
    """Set by flags and `unmask serve`; fields have the names of TensorFlow Serving's flags.

    Exactly one of `serving_root` and `model_server_config` must be set.

    Attributes:
        serving_root: `<root>/<model>/<version>/`; the latest version of every model there.
        model_server_config: the models, by name, base path, version policy and labels.
        model_config_file: the file of `model_server_config`, read again every
            `model_config_file_poll_wait_seconds`; None for never.
        model_config_file_poll_wait_seconds: 0 for never.
        file_system_poll_wait_seconds: seconds between two polls for versions; 0 polls once.
        allow_version_labels_for_unavailable_models: see `VersionLabels`.
        enable_model_warmup: whether a version's warm-up requests are run.
        retry_policy: when a failed load is tried again.
        tensorflow_intra_op_parallelism: threads that one operation may use; 1 gives the highest
            throughput of concurrent requests.
        tensorflow_inter_op_parallelism: operations that may run at a time.
        host: address to listen on; `0.0.0.0` for all.
        port: for gRPC; 0 for any free one.
        grpc_socket_path: Unix socket to listen on for gRPC as well, or None.
        grpc_max_threads: requests answered at a time over gRPC; further ones wait.
        grpc_channel_arguments: of the gRPC server, by name such as
            `grpc.max_connection_age_ms`.
        ssl_config: certificates as PEM; None for no encryption.
        rest_api_port: for REST; 0 for any free one, None for no REST.
        rest_api_num_threads: requests answered at a time over REST.
        rest_api_timeout_in_ms: milliseconds after which a REST request is given up.
        rest_api_enable_cors_support: whether scripts of any web page may read REST's answers.
        batching_parameters: how requests are batched; None for no batching.
        enable_per_model_batching_parameters: whether versions carry their own.
        monitoring_config: whether metrics are shown, and under which path; None to show none.
        bearer_token_file: see `BearerTokens`; None to take requests without a token.
        limits: beyond which requests are refused.
        log_requests: whether successful requests are logged, not only those that fail.
    """

    serving_root: pathlib.Path | None = None
    model_server_config: model_server_config_pb2.ModelServerConfig | None = None
    model_config_file: pathlib.Path | None = None
    model_config_file_poll_wait_seconds: float = 0.0
    file_system_poll_wait_seconds: float = 1.0
    allow_version_labels_for_unavailable_models: bool = False
    enable_model_warmup: bool = True
    retry_policy: RetryPolicy = RetryPolicy()  # noqa: RUF009 - frozen
    tensorflow_intra_op_parallelism: int = 1
    tensorflow_inter_op_parallelism: int = os.cpu_count() or 1
    host: str = "127.0.0.1"
    port: int = 8500
    grpc_socket_path: str | None = None
    grpc_max_threads: int = 32
    grpc_channel_arguments: Mapping[str, int | str] = dataclasses.field(default_factory=dict)
    ssl_config: ssl_config_pb2.SSLConfig | None = None
    rest_api_port: int | None = None
    rest_api_num_threads: int = 4 * (os.cpu_count() or 1)
    rest_api_timeout_in_ms: int = 30_000
    rest_api_enable_cors_support: bool = False
    batching_parameters: batching_parameters_pb2.BatchingParameters | None = None
    enable_per_model_batching_parameters: bool = False
    monitoring_config: monitoring_config_pb2.MonitoringConfig | None = None
    bearer_token_file: pathlib.Path | None = None
    limits: Limits = Limits()  # noqa: RUF009 - frozen
    log_requests: bool = False

    def __post_init__(self) -> None:
        """Checks the rule between fields.

        Raises:
            ValueError: neither or both of `serving_root` and `model_server_config` are set.
        """
        if (self.serving_root is None) == (self.model_server_config is None):
            raise ValueError("serve either a serving_root or a model_server_config")
