"""The deployment files, read."""

import pathlib

import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from serving.server.protos import batching_parameters_pb2, monitoring_config_pb2

ROOT = pathlib.Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "serving" / "deploy"


def read_yaml(path):
    """The one document of a file."""
    return yaml.safe_load((DEPLOY / path).read_text())


def flags(arguments):
    """Values of `--name=value`, by name."""
    return dict(argument.removeprefix("--").split("=", 1) for argument in arguments)


def parse(name, message):
    return text_format.Parse((DEPLOY / "tensorflow_serving" / name).read_text(), message)


@pytest.fixture(scope="session")
def deploy():
    return DEPLOY


@pytest.fixture(scope="session")
def models_config():
    config = parse("models.config", model_server_config_pb2.ModelServerConfig())
    return config.model_config_list.config


@pytest.fixture(scope="session")
def batching_config():
    return parse("batching.config", batching_parameters_pb2.BatchingParameters())


@pytest.fixture(scope="session")
def monitoring_config():
    return parse("monitoring.config", monitoring_config_pb2.MonitoringConfig())


@pytest.fixture(scope="session")
def compose():
    return read_yaml("compose.yaml")


@pytest.fixture(scope="session")
def deployment():
    return read_yaml("kubernetes/deployment.yaml")


@pytest.fixture(scope="session")
def pod(deployment):
    return deployment["spec"]["template"]["spec"]


@pytest.fixture(scope="session")
def container(pod):
    (container,) = pod["containers"]
    return container


@pytest.fixture(scope="session")
def runtime():
    return read_yaml("kserve/serving_runtime.yaml")


@pytest.fixture(scope="session")
def runtime_container(runtime):
    (container,) = runtime["spec"]["containers"]
    return container
