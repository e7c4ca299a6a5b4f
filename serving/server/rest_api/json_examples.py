"""JSON objects as tf.Examples; a feature takes the type of its first value."""

from typing import Any

from tensorflow.core.example import example_pb2, feature_pb2

from serving.server.errors import invalid_argument
from serving.server.rest_api import json_documents, json_tensors


def parse(value: Any) -> example_pb2.Example:
    """Makes an Example of an object: strings and `b64` bytes, decimals, integers and booleans.

    Example:
        >>> parse({"x": [1, 2]}).features.feature["x"].int64_list.value
        [1, 2]

    Args:
        value: features by name, each a value or a list of values of one type.

    Returns:
        The Example.

    Raises:
        StatusError: INVALID_ARGUMENT, the value is not an object, or a feature mixes types or has
            a value of another type. Messages are TensorFlow Serving's (`json_tensor.cc`).
    """
    if not isinstance(value, dict):
        kind = json_documents.type_name(value)
        raise invalid_argument(f"Example must be JSON object but got JSON {kind}")
    example = example_pb2.Example()
    for name, content in value.items():
        feature = example.features.feature[name]
        for item in content if isinstance(content, list) else [content]:
            _add(name, item, feature)
    return example


def _add(name: str, value: Any, feature: feature_pb2.Feature) -> None:
    kind, content = _typed(name, value)
    present = feature.WhichOneof("kind")
    if present not in (None, kind):
        wanted = f"expecting type: {present.removesuffix('_list')}"
        raise invalid_argument(f"Unexpected element type in feature: {name} {wanted}")
    getattr(feature, kind).value.append(content)


def _typed(name: str, value: Any) -> tuple[str, bytes | float | int]:
    """The list that a value belongs to, and the value as the list holds it."""
    if isinstance(value, str):
        return "bytes_list", value.encode()
    if json_tensors.is_base64(value):
        return "bytes_list", json_tensors.decode_base64(value)
    if isinstance(value, int):
        if value >= 2**63:
            problem = "has uint64_t element. Only int64_t is supported."
            raise invalid_argument(f"Feature: {name} {problem}")
        return "int64_list", int(value)
    if isinstance(value, float):
        return "float_list", value
    kind = json_documents.type_name(value)
    raise invalid_argument(f"Feature: {name} has element with unexpected JSON type: {kind}")
