"""SplitAudit: stops the run on anomalies, leakage between splits, and splits of one class."""

import json
import os
from collections.abc import Iterator

import tensorflow as tf
from tensorflow.core.example import example_pb2
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import ExampleAnomalies, Examples, String
from tfx.utils import io_utils

from data import contract
from data.splits import check_leakage
from data.utils.errors import UsageError

_ANOMALIES_FILE = "SchemaDiff.pb"
_LISTED = 20


class SplitAuditError(UsageError):
    """The data is not fit to train or evaluate on; the message names the videos."""


@component
def SplitAudit(
    examples: InputArtifact[Examples],
    anomalies: InputArtifact[ExampleAnomalies],
    audit: OutputArtifact[String],
    reals_suffice: Parameter[str],
    notes: Parameter[str],
    code_hash: Parameter[str],
) -> None:
    """Raises `SplitAuditError` unless the ingested Examples are fit to train and evaluate on.

    `reals_suffice` lists, as JSON, the splits that need no fakes, and `notes` what the datasets do
    not tell.
    """
    # Without anomalies, no row lacks a feature.
    problems = find_anomalies(anomalies) or check_leakage(
        read_rows(examples), reals_suffice=json.loads(reals_suffice)
    )
    if problems:
        more = f"\n... and {len(problems) - _LISTED} more" if len(problems) > _LISTED else ""
        listed = "\n".join(problems[:_LISTED])
        raise SplitAuditError(f"SplitAudit stops the run:\n{listed}{more}")
    passed = "no anomalies, no leakage between known sources, in every split the classes it needs"
    audit.write("\n".join([passed, *(f"unknown: {note}" for note in json.loads(notes))]))


def find_anomalies(anomalies: ExampleAnomalies) -> list[str]:
    """Lists the anomalies that ExampleValidator reported.

    Args:
        anomalies: its output.

    Returns:
        One line an anomaly: split, feature and what is wrong.
    """
    lines = []
    for split in contract.SPLITS:
        uri = artifact_utils.get_split_uri([anomalies], split)
        with tf.io.gfile.GFile(os.path.join(uri, _ANOMALIES_FILE), "rb") as file:
            message = anomalies_pb2.Anomalies.FromString(file.read())
        if message.HasField("dataset_anomaly_info"):
            lines.append(f"split {split}: {message.dataset_anomaly_info.description}")
        for feature, info in sorted(message.anomaly_info.items()):
            lines.append(f"split {split}, feature {feature}: {info.description}")
    return lines


def read_rows(examples: Examples) -> Iterator[tuple[str, str, str, str, int]]:
    """Yields the row of every ingested Example that `assignment.check_leakage` takes.

    Args:
        examples: ImportExampleGen's output: GZIP TFRecords in a folder a split.
    """
    for split in contract.SPLITS:
        uri = artifact_utils.get_split_uri([examples], split)
        files = sorted(tf.io.gfile.glob(io_utils.all_files_pattern(uri)))
        for record in tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator():
            feature = example_pb2.Example.FromString(record).features.feature
            yield (
                feature["video/id"].bytes_list.value[0].decode(),
                split,
                feature["source_group"].bytes_list.value[0].decode(),
                feature["video/sha256"].bytes_list.value[0].decode(),
                feature["label"].int64_list.value[0],
            )
