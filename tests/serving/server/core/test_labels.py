import grpc
import pytest
from tensorflow_serving.config import model_server_config_pb2

from serving.server.core.labels import VersionLabels
from serving.server.errors import StatusError


def models(**labels):
    return [
        model_server_config_pb2.ModelConfig(name="m", version_labels=labels),
        model_server_config_pb2.ModelConfig(name="other"),
    ]


def available(*numbers):
    return lambda name, number: name == "m" and number in numbers


def test_a_label_stands_for_its_version():
    labels = VersionLabels()
    labels.assign(models(stable=1, canary=2), available(1, 2))
    assert labels.version("m", "stable") == 1
    assert labels.version("m", "canary") == 2


@pytest.mark.parametrize(("name", "label"), [("m", "nope"), ("other", "stable"), ("none", "x")])
def test_an_unknown_label_is_an_error(name, label):
    labels = VersionLabels()
    labels.assign(models(stable=1), available(1))
    with pytest.raises(StatusError) as caught:
        labels.version(name, label)
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.message == f"Unrecognized servable version label: {label}"


def test_a_label_for_a_version_that_is_not_available_changes_no_label():
    labels = VersionLabels()
    labels.assign(models(stable=1), available(1))
    with pytest.raises(StatusError) as caught:
        labels.assign(models(canary=1, stable=7), available(1))
    assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION
    assert caught.value.message == (
        "Request to assign label to version 7 of model m, "
        "which is not currently available for inference"
    )
    assert labels.version("m", "stable") == 1
    with pytest.raises(StatusError):
        labels.version("m", "canary")


def test_where_allowed_an_unused_label_may_precede_its_version():
    labels = VersionLabels(allow_unavailable=True)
    labels.assign(models(stable=1), available())
    labels.assign(models(stable=1), available())
    assert labels.version("m", "stable") == 1


def test_a_label_in_use_moves_to_an_available_version_alone():
    labels = VersionLabels(allow_unavailable=True)
    labels.assign(models(stable=1), available(1))
    with pytest.raises(StatusError, match="version 2 of model m"):
        labels.assign(models(stable=2), available(1))
    labels.assign(models(stable=2), available(1, 2))
    assert labels.version("m", "stable") == 2


def test_a_label_that_is_left_out_is_gone():
    labels = VersionLabels()
    labels.assign(models(stable=1), available(1))
    labels.assign(models(), available(1))
    with pytest.raises(StatusError, match="Unrecognized servable version label: stable"):
        labels.version("m", "stable")
