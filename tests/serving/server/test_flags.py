import re
import subprocess
import sys

import pytest
import trustme

from data.utils.errors import UsageError
from serving.server import flags
from serving.server.protos import ssl_config_pb2


def build(*arguments):
    return flags.build_options(flags.parse(arguments))


BASE = "--model_base_path=/models/m"


def ssl_config():
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    return str(
        ssl_config_pb2.SSLConfig(
            server_key=certificate.private_key_pem.bytes(),
            server_cert=certificate.cert_chain_pems[0].bytes(),
            custom_ca=authority.cert_pem.bytes(),
            client_verify=True,
        )
    )


def test_defaults_are_those_of_tensorflow_serving():
    options = build(BASE)
    (model,) = options.model_server_config.model_config_list.config
    assert (model.name, model.base_path) == ("default", "/models/m")
    assert (options.host, options.port, options.rest_api_port) == ("0.0.0.0", 8500, None)
    assert options.rest_api_timeout_in_ms == 30_000
    assert not options.rest_api_enable_cors_support
    assert options.file_system_poll_wait_seconds == 1
    assert options.model_config_file_poll_wait_seconds == 0
    assert (options.retry_policy.retries, options.retry_policy.interval_s) == (5, 60)
    assert options.enable_model_warmup
    assert not options.allow_version_labels_for_unavailable_models
    assert options.grpc_socket_path is None
    assert options.grpc_channel_arguments == {}
    assert options.batching_parameters is None
    assert options.monitoring_config is None
    assert options.ssl_config is None
    assert options.serving_root is None


def test_every_flag_arrives(tmp_path):
    texts = {
        "models": "model_config_list { config { name: 'a' base_path: '/a' } }",
        "batching": "max_batch_size { value: 8 }",
        "monitoring": "prometheus_config { enable: true }",
        "ssl": ssl_config(),
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    options = build(
        "--port=1",
        "--rest_api_port=2",
        "--rest_api_timeout_in_ms=3",
        "--rest_api_num_threads=4",
        "--rest_api_enable_cors_support",
        "--grpc_max_threads=5",
        "--grpc_socket_path=socket",
        f"--model_config_file={tmp_path}/models",
        "--model_config_file_poll_wait_seconds=6",
        "--file_system_poll_wait_seconds=7",
        f"--monitoring_config_file={tmp_path}/monitoring",
        "--enable_batching",
        f"--batching_parameters_file={tmp_path}/batching",
        f"--ssl_config_file={tmp_path}/ssl",
        "--grpc_channel_arguments=grpc.max_connection_age_ms=2000,grpc.name=x",
        "--allow_version_labels_for_unavailable_models=true",
        "--enable_model_warmup=false",
        "--max_num_load_retries=8",
        "--load_retry_interval_micros=9500000",
        "--tensorflow_intra_op_parallelism=10",
        "--tensorflow_inter_op_parallelism=11",
        "--enable_per_model_batching_parameters",
        f"--bearer_token_file={tmp_path}/tokens",
        "--max_requests=12",
        "--log_requests",
    )
    assert (options.port, options.rest_api_port, options.rest_api_timeout_in_ms) == (1, 2, 3)
    assert (options.rest_api_num_threads, options.grpc_max_threads) == (4, 5)
    assert options.rest_api_enable_cors_support
    assert options.grpc_socket_path == "socket"
    assert options.model_server_config.model_config_list.config[0].name == "a"
    assert options.model_config_file == tmp_path / "models"
    assert options.model_config_file_poll_wait_seconds == 6
    assert options.file_system_poll_wait_seconds == 7
    assert options.monitoring_config.prometheus_config.enable
    assert options.batching_parameters.max_batch_size.value == 8
    assert "PRIVATE KEY" in options.ssl_config.server_key
    assert options.ssl_config.client_verify
    assert options.enable_per_model_batching_parameters
    assert options.bearer_token_file == tmp_path / "tokens"
    assert (options.limits.max_requests, options.log_requests) == (12, True)
    assert options.grpc_channel_arguments == {
        "grpc.max_connection_age_ms": 2000,
        "grpc.name": "x",
    }
    assert options.allow_version_labels_for_unavailable_models
    assert not options.enable_model_warmup
    assert (options.retry_policy.retries, options.retry_policy.interval_s) == (8, 9.5)
    assert options.tensorflow_intra_op_parallelism == 10
    assert options.tensorflow_inter_op_parallelism == 11


UPSTREAM = re.findall(
    r"\w+",
    """
port grpc_socket_path rest_api_port rest_api_num_threads rest_api_timeout_in_ms
rest_api_enable_cors_support enable_batching allow_version_labels_for_unavailable_models
batching_parameters_file enable_per_model_batching_parameters model_config_file
model_config_file_poll_wait_seconds model_name model_base_path num_load_threads
num_unload_threads max_num_load_retries load_retry_interval_micros file_system_poll_wait_seconds
flush_filesystem_caches tensorflow_session_parallelism tensorflow_session_config_file
tensorflow_intra_op_parallelism tensorflow_inter_op_parallelism use_alts_credentials
ssl_config_file platform_config_file per_process_gpu_memory_fraction saved_model_tags
grpc_channel_arguments grpc_max_threads enable_model_warmup num_request_iterations_for_warmup
version monitoring_config_file remove_unused_fields_from_bundle_metagraph prefer_tflite_model
num_tflite_pools num_tflite_interpreters_per_pool enable_signature_method_name_check
xla_cpu_compilation_enabled xla_gpu_compilation_enabled enable_profiler
thread_pool_factory_config_file mixed_precision skip_initialize_tpu
enable_grpc_healthcheck_service enable_serialization_as_tensor_content
    """,
)
"""Flags of `tensorflow_model_server` (main.cc, 2.19)."""


def test_every_flag_of_tensorflow_serving_is_known():
    assert vars(flags.parse([])).keys() >= set(UPSTREAM)
    assert set(UPSTREAM) >= set(flags.WITHOUT_EFFECT)


@pytest.mark.parametrize("argument", ["--num_load_threads=4", "--enable_profiler"])
def test_a_flag_without_effect_is_taken_and_known_to_be_set(argument):
    values = vars(flags.parse([argument, BASE]))
    name = argument[2:].partition("=")[0]
    assert [other for other in flags.WITHOUT_EFFECT if values[other] is not None] == [name]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["--enable_batching"], True, id="bare"),
        pytest.param(["--enable_batching", "--port=1"], True, id="bare before another"),
        pytest.param(["--enable_batching=true"], True, id="true"),
        pytest.param(["--enable_batching", "true"], True, id="true apart"),
        pytest.param(["--enable_batching=false"], False, id="false"),
        pytest.param([], False, id="absent"),
    ],
)
def test_booleans_take_tensorflows_forms(arguments, expected):
    assert (build(*arguments, BASE).batching_parameters is not None) == expected


def test_values_may_stand_apart_and_empty_means_unset():
    values = flags.parse(["--port", "7", "--model_base_path", "/m", "--ssl_config_file="])
    assert values.port == 7
    assert flags.build_options(values).ssl_config is None


def test_a_negative_interval_between_tries_means_none():
    assert build(BASE, "--load_retry_interval_micros=-1").retry_policy.interval_s == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--prot=1"], "unrecognized arguments: --prot=1", id="unknown"),
        pytest.param(["--noenable_batching"], "--noenable_batching", id="no form"),
        pytest.param(["--model_base=/m"], "--model_base=/m", id="abbreviation"),
        pytest.param(["--use_alts_credentials=true"], "this server has no ALTS", id="no ALTS"),
        pytest.param(["stray"], "unrecognized arguments: stray", id="no flag"),
        pytest.param(["--port=x"], "argument --port: 'x' is no whole number", id="no number"),
        pytest.param(["--port=65536"], "--port: 65536 is out of range", id="no port"),
        pytest.param(["--port"], "argument --port: expected one argument", id="no value"),
        pytest.param(
            ["--file_system_poll_wait_seconds=-1"],
            "--file_system_poll_wait_seconds: -1 is out of range; it must be 0 or more",
            id="negative",
        ),
        pytest.param(["--grpc_max_threads=0"], "--grpc_max_threads: 0 is out", id="no threads"),
        pytest.param(
            ["--enable_batching=yes"],
            "--enable_batching: 'yes' is neither true nor false",
            id="no boolean",
        ),
        pytest.param(
            ["--grpc_channel_arguments=grpc.x"],
            "--grpc_channel_arguments: 'grpc.x' is not NAME=VALUE",
            id="no channel argument",
        ),
        pytest.param([], "neither --model_base_path nor --model_config_file", id="nothing"),
        pytest.param(
            [BASE, "--batching_parameters_file=/b"],
            "--batching_parameters_file is set without --enable_batching",
            id="parameters without batching",
        ),
        pytest.param(
            [BASE, "--port=5", "--rest_api_port=5"],
            "--rest_api_port and --port are both 5",
            id="one port for two",
        ),
        pytest.param(
            [BASE, "--monitoring_config_file=/none"],
            "/none: cannot be read: No such file",
            id="no file",
        ),
        pytest.param(
            [BASE, "--ssl_config_file=/none"], "/none: cannot read the SSL config", id="no PEMs"
        ),
    ],
)
def test_wrong_use_names_the_flag(arguments, message):
    with pytest.raises(UsageError) as caught:
        build(*arguments)
    assert message in str(caught.value)


def test_parsing_is_light():
    script = (
        "import sys; from serving.server import flags; flags.parse(['--port=1']); "
        "print(*({'tensorflow', 'grpc', 'numpy'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == ""
