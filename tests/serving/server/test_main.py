"""`python -m serving.server` as a process."""

import contextlib
import pathlib
import signal
import subprocess
import sys

import grpc
import pytest
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[3]


def command(*arguments):
    return [sys.executable, "-u", "-m", "serving.server", *arguments]


@contextlib.contextmanager
def running(*arguments):
    """The process, its port, and a stub to ask it."""
    with subprocess.Popen(
        command("--port=0", *arguments),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("Running gRPC ModelServer at 0.0.0.0:"), line
            port = int(line.split()[4].rpartition(":")[2])
            with grpc.insecure_channel(f"localhost:{port}") as channel:
                yield process, port, model_service_pb2_grpc.ModelServiceStub(channel)
        finally:
            process.kill()


def available(stub, name):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = name
    try:
        statuses = stub.GetModelStatus(request, timeout=30).model_version_status
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        return []
    state = get_model_status_pb2.ModelVersionStatus.AVAILABLE
    return [status.version for status in statuses if status.state == state]


def config_of(*names, base_path):
    models = "".join(
        f"config {{ name: '{name}' base_path: '{base_path}' model_platform: 'tensorflow' }}\n"
        for name in names
    )
    return f"model_config_list {{ {models} }}"


def test_one_model_is_served_on_a_port_of_its_own_and_sigterm_ends_it(push, tmp_path):
    push("tiny", 1)
    base_path = f"--model_base_path={tmp_path}/serving/tiny"
    unused = "--num_load_threads=2"
    with running("--model_name=mine", base_path, unused) as (process, port, stub):
        assert available(stub, "mine") == [1]
        second = end_of(f"--port={port}", base_path)
        assert second.returncode == 2
        assert f"cannot listen on 0.0.0.0:{port}" in second.stderr
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_a_config_file_is_served_and_read_again(push, tmp_path, wait_until):
    push("tiny", 1)
    base_path = tmp_path / "serving" / "tiny"
    path = tmp_path / "models.config"
    path.write_text(config_of("one", base_path=base_path))
    with running(f"--model_config_file={path}", "--model_config_file_poll_wait_seconds=1") as (
        _,
        _,
        stub,
    ):
        assert available(stub, "one") == [1]
        path.write_text(config_of("two", base_path=base_path))
        wait_until(lambda: available(stub, "two") == [1])
        wait_until(lambda: available(stub, "one") == [])


def end_of(*arguments):
    return subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True)


def test_an_unreadable_config_file_ends_the_process(tmp_path):
    path = tmp_path / "bad.config"
    path.write_text("improper model config")
    result = end_of(f"--model_config_file={path}")
    assert result.returncode == 2
    assert "Error parsing text-format tensorflow.serving.ModelServerConfig" in result.stderr


def test_a_config_that_is_refused_ends_the_process(tmp_path):
    path = tmp_path / "labels.config"
    path.write_text(
        "model_config_list { config { name: 'm' base_path: '/m' model_platform: 'tensorflow' "
        "version_labels { key: 'stable' value: 1 } } }"
    )
    result = end_of("--port=0", f"--model_config_file={path}")
    assert result.returncode == 2
    assert (
        "Failed to start server. Error: FAILED_PRECONDITION: Request to assign label to version 1 "
        "of model m, which is not currently available for inference"
    ) in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["--no_such_flag=1"], 2, "unrecognized arguments: --no_such_flag=1"),
        (["--version"], 0, "TensorFlow Library: 2.16"),
        (["--help"], 0, "--model_config_file_poll_wait_seconds"),
    ],
)
def test_what_needs_no_server_ends_at_once(arguments, code, expected):
    result = end_of(*arguments)
    assert result.returncode == code
    assert expected in (result.stderr if code else result.stdout)
