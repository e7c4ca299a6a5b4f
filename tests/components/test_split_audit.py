"""Anomalies that ExampleValidator found end the run with their feature's name."""

import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import ExampleAnomalies

from components.split_audit import find_anomalies
from data import contract


@pytest.fixture
def anomalies(tmp_path):
    artifact = ExampleAnomalies()
    artifact.uri = str(tmp_path)
    artifact.split_names = artifact_utils.encode_split_names(list(contract.SPLITS))
    for split in contract.SPLITS:
        (tmp_path / f"Split-{split}").mkdir()
        write(artifact, split, anomalies_pb2.Anomalies())
    return artifact


def write(artifact, split, message):
    with open(f"{artifact.uri}/Split-{split}/SchemaDiff.pb", "wb") as file:
        file.write(message.SerializeToString())


def test_clean_splits_have_none(anomalies):
    assert find_anomalies(anomalies) == []


def test_each_is_told_with_split_and_feature(anomalies):
    message = anomalies_pb2.Anomalies()
    message.anomaly_info["video/fps"].description = "The feature was not found."
    write(anomalies, "eval", message)
    message = anomalies_pb2.Anomalies()
    message.dataset_anomaly_info.description = "Too few examples."
    write(anomalies, "test", message)
    assert find_anomalies(anomalies) == [
        "split eval, feature video/fps: The feature was not found.",
        "split test: Too few examples.",
    ]
