"""The command line of `python -m serving.server`: TensorFlow Serving's flags.

Names, meanings and defaults are those of `tensorflow_model_server` (`main.cc`). Importing this
module is light: TensorFlow is loaded only after the flags were checked.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import pathlib
from typing import TYPE_CHECKING, Any, NoReturn

from data.utils.errors import UsageError
from serving.server import channel_arguments
from serving.server.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.message import Message

    from serving.server.options import ServerOptions


WITHOUT_EFFECT = (
    *("enable_grpc_healthcheck_service", "enable_profiler", "enable_signature_method_name_check"),
    *("enable_serialization_as_tensor_content", "flush_filesystem_caches", "mixed_precision"),
    *("num_load_threads", "num_request_iterations_for_warmup", "num_tflite_interpreters_per_pool"),
    *("num_tflite_pools", "num_unload_threads", "per_process_gpu_memory_fraction"),
    *("platform_config_file", "prefer_tflite_model", "remove_unused_fields_from_bundle_metagraph"),
    *("saved_model_tags", "skip_initialize_tpu", "tensorflow_session_config_file"),
    *("tensorflow_session_parallelism", "thread_pool_factory_config_file"),
    *("xla_cpu_compilation_enabled", "xla_gpu_compilation_enabled"),
)
"""Flags of TensorFlow Serving that this server takes and leaves aside."""


class _Parser(argparse.ArgumentParser):
    """A parser that raises instead of exiting."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; --help lists the flags")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parses `--flag=value`, `--flag value` and, for booleans, a bare `--flag`.

    Args:
        arguments: of the command line, without the program's name.

    Returns:
        The value of each flag; None for those of `WITHOUT_EFFECT` that are not set.

    Raises:
        UsageError: a flag is unknown, or its value is not of its type or range.
        SystemExit: after `--help`.
    """
    parser = _Parser(prog="python -m serving.server", allow_abbrev=False)

    def add(name: str, type_: Any, default: object, text: str) -> None:
        is_boolean = type_ is _boolean
        parser.add_argument(
            f"--{name}",
            type=type_,
            default=default,
            metavar={_boolean: "BOOL", str: "TEXT", _path: "PATH"}.get(type_, "NUMBER"),
            nargs="?" if is_boolean else None,
            const=True if is_boolean else None,
            help=text,
        )

    add("port", _port, 8500, "port for gRPC; 0 takes any free one")
    add("grpc_socket_path", str, None, "also listen to gRPC on this Unix socket")
    add("rest_api_port", _port, 0, "port for REST; 0 for no REST")
    add("rest_api_num_threads", _count, 4 * (os.cpu_count() or 1), "REST requests at a time")
    add("rest_api_timeout_in_ms", _count, 30_000, "after which a REST request is given up")
    add("rest_api_enable_cors_support", _boolean, False, "let any web page read REST's answers")
    add("model_name", str, "default", "name of the model, without --model_config_file")
    add("model_base_path", _path, None, "absolute path of its folder, which holds VERSION/")
    add("model_config_file", _path, None, "text proto ModelServerConfig: the models")
    add("model_config_file_poll_wait_seconds", _seconds, 0, "time to read it again; 0 for never")
    add("file_system_poll_wait_seconds", _seconds, 1, "time to look for versions; 0 for once")
    add("allow_version_labels_for_unavailable_models", _boolean, False, "labels may precede models")
    add("enable_model_warmup", _boolean, True, "run the warm-up requests that versions carry")
    add("max_num_load_retries", _not_negative, 5, "tries after a load has failed")
    add("load_retry_interval_micros", int, 60_000_000, "time between tries; below 0 for none")
    add("enable_batching", _boolean, False, "merge concurrent requests")
    add("batching_parameters_file", _path, None, "text proto BatchingParameters")
    per_model = "batch by the versions' own batching_params.pbtxt"
    add("enable_per_model_batching_parameters", _boolean, False, per_model)
    add("monitoring_config_file", _path, None, "text proto MonitoringConfig")
    add("ssl_config_file", _path, None, "text proto SSLConfig: certificates for gRPC")
    add("grpc_channel_arguments", channel_arguments.parse, {}, "of the gRPC server: name=value,...")
    add("grpc_max_threads", _count, 32, "gRPC requests at a time")
    add("tensorflow_intra_op_parallelism", _not_negative, 0, "threads an operation; 0 for one")
    add("tensorflow_inter_op_parallelism", _not_negative, 0, "operations at a time; 0 for cores")
    # Our own; TensorFlow Serving leaves these to a proxy.
    add("bearer_token_file", _path, None, "tokens, one a line, of which each request needs one")
    add("max_requests", _count, Limits.max_requests, "requests under way at a time")
    add("log_requests", _boolean, False, "log requests that succeed, not only those that fail")
    add("version", _boolean, False, "print the version and end")
    add("use_alts_credentials", _no_alts, False, argparse.SUPPRESS)
    for name in WITHOUT_EFFECT:
        parser.add_argument(f"--{name}", nargs="?", const="true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def build_options(values: argparse.Namespace) -> ServerOptions:
    """Turns flags into options, and reads the files that the flags name.

    Args:
        values: of `parse`.

    Returns:
        The options of the server, which listens on all addresses.

    Raises:
        UsageError: a file cannot be read or has another type, or flags do not fit together.
    """
    from serving.server.admission import ssl_config
    from serving.server.core import RetryPolicy
    from serving.server.options import ServerOptions
    from serving.server.protos import batching_parameters_pb2, monitoring_config_pb2

    if values.batching_parameters_file is not None and not values.enable_batching:
        raise UsageError(
            "--batching_parameters_file is set without --enable_batching; set both or neither"
        )
    if values.rest_api_port and values.rest_api_port == values.port:
        raise UsageError(f"--rest_api_port and --port are both {values.port}; choose two ports")
    batching = batching_parameters_pb2.BatchingParameters()
    names = {field.name for field in dataclasses.fields(ServerOptions)} & vars(values).keys()
    options = {name: getattr(values, name) for name in names} | {
        "model_server_config": _read_models(values),
        "retry_policy": RetryPolicy(
            values.max_num_load_retries, max(0.0, values.load_retry_interval_micros / 1e6)
        ),
        "tensorflow_intra_op_parallelism": values.tensorflow_intra_op_parallelism or 1,
        "tensorflow_inter_op_parallelism": (
            values.tensorflow_inter_op_parallelism or os.cpu_count() or 1
        ),
        "host": "0.0.0.0",
        "ssl_config": values.ssl_config_file and ssl_config.read(values.ssl_config_file),
        "rest_api_port": values.rest_api_port or None,
        "batching_parameters": (
            (_read(values.batching_parameters_file, batching) or batching)
            if values.enable_batching
            else None
        ),
        "limits": Limits(max_requests=values.max_requests),
        "monitoring_config": _read(
            values.monitoring_config_file, monitoring_config_pb2.MonitoringConfig()
        ),
    }
    return ServerOptions(**options)


def _read_models(values: argparse.Namespace) -> Any:
    """The `ModelServerConfig` that the flags name."""
    from tensorflow_serving.config import model_server_config_pb2

    from serving.server.core import configuration

    if values.model_config_file is not None:
        return _read(values.model_config_file, model_server_config_pb2.ModelServerConfig())
    if values.model_base_path is None:
        raise UsageError(
            "neither --model_base_path nor --model_config_file says what to serve; set one"
        )
    return configuration.single_model(values.model_name, str(values.model_base_path))


def _read(path: pathlib.Path | None, message: Message) -> Any:
    """The message in a text proto; None if no file is named."""
    from serving.server.core import configuration

    return None if path is None else configuration.read_text_proto(path, message)


def _boolean(text: str) -> bool:
    # TensorFlow's own two spellings.
    if text not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"'{text}' is neither true nor false")
    return text == "true"


def _no_alts(text: str) -> bool:
    if _boolean(text):
        raise argparse.ArgumentTypeError(
            "this server has no ALTS and would answer unencrypted; set --ssl_config_file"
        )
    return False


def _path(text: str) -> pathlib.Path | None:
    return pathlib.Path(text) if text else None  # empty means unset, as in TensorFlow Serving


def _number(text: str, least: int, most: float = float("inf")) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number") from None
    if not least <= number <= most:
        limits = f"{least} or more" if most == float("inf") else f"{least} to {most:.0f}"
        raise argparse.ArgumentTypeError(f"{number} is out of range; it must be {limits}")
    return number


def _port(text: str) -> int:
    return _number(text, 0, 65535)


def _count(text: str) -> int:
    return _number(text, 1)


def _not_negative(text: str) -> int:
    return _number(text, 0)


_seconds = _not_negative
