"""The schema of one run: the contract's, plus a feature for each further slice column."""

import pathlib
from collections.abc import Sequence

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

import data
from data.contract import SLICE_PREFIX

CONTRACT = pathlib.Path(data.__file__).with_name("schema.pbtxt")


def resolve(slice_columns: Sequence[str]) -> schema_pb2.Schema:
    """Adds the columns that a dataset's videos carry to the contract's schema.

    Args:
        slice_columns: names without the `slice/` prefix, as `dataset.json` lists them.

    Returns:
        The schema that the run's Examples are validated against.

    Example:
        >>> resolve(["camera"]).feature[-1].name
        'slice/camera'
    """
    schema = text_format.Parse(CONTRACT.read_text(), schema_pb2.Schema())
    for column in slice_columns:
        feature = schema.feature.add(name=SLICE_PREFIX + column, type=schema_pb2.BYTES)
        feature.shape.dim.add(size=1)
        feature.presence.min_fraction = 1.0
        feature.presence.min_count = 1
    return schema


def write(schema: schema_pb2.Schema, path: pathlib.Path) -> None:
    """Writes a schema as text, leaving an equal file alone: its date is part of TFX's cache key."""
    text = text_format.MessageToString(schema)
    if path.is_file() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def text_features(schema: schema_pb2.Schema) -> set[str]:
    """Names of the features that hold text, by which videos can be sliced.

    Example:
        >>> "slice/camera" in text_features(resolve(["camera"]))
        True
    """
    return {
        feature.name
        for feature in schema.feature
        if feature.type == schema_pb2.BYTES and not feature.name.startswith("face/")
    }
