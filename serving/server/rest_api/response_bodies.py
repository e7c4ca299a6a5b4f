"""Response messages as the bodies of REST answers.

As with TensorFlow Serving, an output of bytes that are not UTF-8 needs a name that ends in
`_bytes`. Other strings are written unchanged, so that otherwise the body is not UTF-8 either.
"""

import base64
import json
import math
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    regression_pb2,
)

from serving.server.errors import invalid_argument
from serving.server.rest_api import json_documents, json_tensors
from serving.server.rest_api.request_bodies import RequestFormat
from serving.server.servables import tensor_proto

_INTEGERS = {tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint32, tf.uint64}


def from_outputs(outputs: Mapping[str, tensor_pb2.TensorProto], format: RequestFormat) -> bytes:
    """Writes the outputs of Predict.

    Args:
        outputs: by name; a single one is written bare.
        format: of the request.

    Returns:
        `{"predictions": [...]}` by row, or `{"outputs": ...}` by column.

    Raises:
        StatusError: INVALID_ARGUMENT, JSON has no such type; or by row, the outputs differ in
            dimension 0 or have no dimensions.
    """
    if format is RequestFormat.COLUMNAR:
        columns = {
            name: _nested(_tokens(name, outputs[name]), _shape(outputs[name]))[0]
            for name in sorted(outputs)
        }
        return _encode("outputs", _bare_or_object(columns))
    size: int | None = None
    for name in sorted(outputs):
        shape = _shape(outputs[name])
        if not shape:
            raise invalid_argument(f"Tensor name: {name} has no shape information ")
        if size not in (None, shape[0]):
            raise invalid_argument(
                f"Tensor name: {name} has inconsistent batch size: {shape[0]} expecting: {size}"
            )
        size = shape[0]
    rows = {
        name: _nested(_tokens(name, outputs[name]), _shape(outputs[name]), outer=1)
        for name in sorted(outputs)
    }
    items = [
        _bare_or_object({name: values[index] for name, values in rows.items()})
        for index in range(size or 0)
    ]
    return _encode("predictions", _list(items))


def from_classifications(result: classification_pb2.ClassificationResult) -> bytes:
    """Writes `{"results": [[[label, score], ...], ...]}`.

    Raises:
        StatusError: INVALID_ARGUMENT, the result is empty.
    """
    if not result.classifications:
        raise invalid_argument("Cannot convert empty ClassificationResults to JSON")
    items = []
    for classifications in result.classifications:
        scores = json_documents.decimals(np.array([c.score for c in classifications.classes], "f4"))
        labels = [json.dumps(c.label, ensure_ascii=False) for c in classifications.classes]
        items.append(_list([_list(pair) for pair in zip(labels, scores, strict=True)]))
    return _encode("results", _list(items))


def from_regressions(result: regression_pb2.RegressionResult) -> bytes:
    """Writes `{"results": [value, ...]}`.

    Example:
        >>> result = regression_pb2.RegressionResult()
        >>> result.regressions.add(value=0.5).value
        0.5
        >>> from_regressions(result)
        b'{"results": [0.5]}'

    Raises:
        StatusError: INVALID_ARGUMENT, the result is empty.
    """
    if not result.regressions:
        raise invalid_argument("Cannot convert empty RegressionResults to JSON")
    values = np.array([regression.value for regression in result.regressions], "f4")
    return _encode("results", _list(json_documents.decimals(values)))


def from_status(response: get_model_status_pb2.GetModelStatusResponse) -> bytes:
    """Writes the states of a model's versions."""
    return json_format.MessageToJson(response, including_default_value_fields=True).encode()


def from_metadata(response: get_model_metadata_pb2.GetModelMetadataResponse) -> bytes:
    """Writes the signatures of a model."""
    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    spec, signature_def = (
        json_format.MessageToDict(
            message, including_default_value_fields=True, preserving_proto_field_name=True
        )
        for message in (response.model_spec, signatures)
    )
    document = {"model_spec": spec, "metadata": {"signature_def": signature_def}}
    return json.dumps(document, indent=2, ensure_ascii=False).encode()


def from_error(message: str) -> bytes:
    """Writes `{"error": message}`.

    Example:
        >>> from_error("Input is empty.")
        b'{"error": "Input is empty."}'
    """
    # A message may quote the request, which may hold halves of surrogate pairs.
    return json.dumps({"error": message}, ensure_ascii=False).encode("utf-8", "replace")


def _shape(proto: tensor_pb2.TensorProto) -> tuple[int, ...]:
    return tuple(dimension.size for dimension in proto.tensor_shape.dim)


def _tokens(name: str, proto: tensor_pb2.TensorProto) -> list[str]:
    """A tensor's values as JSON, in order."""
    dtype = tf.as_dtype(proto.dtype)
    values = tensor_proto.from_proto(proto).ravel()
    if dtype in (tf.float32, tf.float64):
        return json_documents.decimals(values)
    if dtype in _INTEGERS:
        return [str(value) for value in values.tolist()]
    if dtype == tf.bool:
        return ["true" if value else "false" for value in values.tolist()]
    if dtype != tf.string:
        raise invalid_argument(
            f"Failed to write JSON value for tensor type: {json_tensors.cpp_name(dtype)}"
        )
    if name.endswith("_bytes"):
        return [f'{{"b64": "{base64.b64encode(value).decode()}"}}' for value in values]
    texts = [value.decode("utf-8", "surrogateescape") for value in values]
    return [json.dumps(text, ensure_ascii=False) for text in texts]


def _nested(tokens: list[str], shape: tuple[int, ...], outer: int = 0) -> list[str]:
    """Gathers values into lists along all but the `outer` first dimensions."""
    for axis in reversed(range(outer, len(shape))):
        size = shape[axis]
        tokens = [
            _list(tokens[start * size : (start + 1) * size])
            for start in range(math.prod(shape[:axis]))
        ]
    return tokens


def _bare_or_object(values: Mapping[str, str]) -> str:
    if len(values) == 1:
        return next(iter(values.values()))
    members = (f"{json.dumps(name, ensure_ascii=False)}: {v}" for name, v in values.items())
    return f"{{{', '.join(members)}}}"


def _list(tokens: Sequence[str]) -> str:
    return f"[{', '.join(tokens)}]"


def _encode(key: str, value: str) -> bytes:
    return f'{{"{key}": {value}}}'.encode("utf-8", "surrogateescape")
