"""Response messages as the bodies of REST answers.

As with TensorFlow Serving, an output of bytes that are not UTF-8 needs a name that ends in
`_bytes`. Other strings are written unchanged, so that otherwise the body is not UTF-8 either.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
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
from serving.server.rest_api import json_tensors
from serving.server.rest_api.request_bodies import RequestFormat
from serving.server.servables import tensor_proto

_CHUNK_VALUES = 2**16


def from_outputs(
    outputs: Mapping[str, tensor_pb2.TensorProto], format: RequestFormat
) -> bytes | bytearray:
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
    names = sorted(outputs)
    if format is RequestFormat.COLUMNAR:
        columns = [_texts(_values(name, outputs[name])) for name in names]
        if len(columns) == 1:
            return _body("outputs", columns[0])
        fragments = (orjson.Fragment(b"".join(column)) for column in columns)
        return _dump({"outputs": dict(zip(names, fragments, strict=True))})
    size: int | None = None
    for name in names:
        shape = [dimension.size for dimension in outputs[name].tensor_shape.dim]
        if not shape:
            raise invalid_argument(f"Tensor name: {name} has no shape information ")
        if size not in (None, shape[0]):
            problem = f"has inconsistent batch size: {shape[0]} expecting: {size}"
            raise invalid_argument(f"Tensor name: {name} {problem}")
        size = shape[0]
    arrays = [_values(name, outputs[name]) for name in names]
    if len(arrays) == 1:
        return _body("predictions", _texts(arrays[0]))
    rows = (zip(*map(_plain, pieces), strict=True) for pieces in _pieces(arrays))
    objects = ([dict(zip(names, row, strict=True)) for row in part] for part in rows)
    return _body("predictions", _join([_dump(part)[1:-1]] for part in objects))


def from_classifications(result: classification_pb2.ClassificationResult) -> bytes:
    """Writes `{"results": [[[label, score], ...], ...]}`.

    Raises:
        StatusError: INVALID_ARGUMENT, the result is empty.
    """
    if not result.classifications:
        raise invalid_argument("Cannot convert empty ClassificationResults to JSON")
    results = [
        [(c.label, _plain(_numbers(np.float32(c.score)))) for c in classifications.classes]
        for classifications in result.classifications
    ]
    return _dump({"results": results})


def from_regressions(result: regression_pb2.RegressionResult) -> bytes | bytearray:
    """Writes `{"results": [value, ...]}`.

    Example:
        >>> result = regression_pb2.RegressionResult()
        >>> result.regressions.add(value=0.5).value
        0.5
        >>> bytes(from_regressions(result))
        b'{"results":[0.5]}'

    Raises:
        StatusError: INVALID_ARGUMENT, the result is empty.
    """
    if not result.regressions:
        raise invalid_argument("Cannot convert empty RegressionResults to JSON")
    values = np.array([regression.value for regression in result.regressions], "f4")
    return _body("results", _texts(_numbers(values)))


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


def _values(name: str, proto: tensor_pb2.TensorProto) -> npt.NDArray:
    """A tensor's values: numbers, or objects that orjson writes."""
    dtype = tf.as_dtype(proto.dtype)
    values = tensor_proto.from_proto(proto)
    if dtype in (tf.float32, tf.float64, tf.bool, *json_tensors.INTEGERS):
        return _numbers(values)
    if dtype != tf.string:
        kind = json_tensors.cpp_name(dtype)
        raise invalid_argument(f"Failed to write JSON value for tensor type: {kind}")
    if name.endswith("_bytes"):
        return _objects(({"b64": base64.b64encode(item).decode()} for item in values.flat), values)
    texts = (item.decode("utf-8", "surrogateescape") for item in values.flat)
    tokens = (json.dumps(text, ensure_ascii=False) for text in texts)
    escaped = (token.encode("utf-8", "surrogateescape") for token in tokens)
    return _objects(map(orjson.Fragment, escaped), values)


def _numbers(values: Any) -> npt.NDArray:
    """Puts the names of what is not finite in the place of floats: orjson would write null."""
    values = np.asarray(values)
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return values
    names = {"nan": b"NaN", "inf": b"Infinity", "-inf": b"-Infinity"}
    return _objects(
        (v if np.isfinite(v) else orjson.Fragment(names[str(v)]) for v in values.flat), values
    )


def _objects(items: Iterator[Any], like: npt.NDArray) -> npt.NDArray:
    return np.fromiter(items, object, like.size).reshape(like.shape)


def _texts(array: npt.NDArray) -> Iterable[bytes]:
    """Writes an array some values at a time, so that other threads run in between."""
    if array.ndim > 1 and len(array) and array[0].size > _CHUNK_VALUES:
        return _join(map(_texts, array))
    if not array.ndim:
        return [_dump(_plain(array))]
    return _join([_dump(_plain(piece))[1:-1]] for (piece,) in _pieces([array]))


def _pieces(arrays: Sequence[npt.NDArray]) -> Iterator[list[npt.NDArray]]:
    """Cuts arrays of one length into equal slices of rows."""
    count = len(arrays[0]) if arrays else 0
    step = max(1, _CHUNK_VALUES * count // max(1, sum(array.size for array in arrays)))
    for start in range(0, count, step):
        yield [array[start : start + step] for array in arrays]


def _plain(array: npt.NDArray) -> Any:
    """An array as orjson takes it."""
    if not array.ndim:
        return array[()]
    return array.tolist() if array.dtype == object else array


def _join(elements: Iterable[Iterable[bytes]]) -> Iterator[bytes]:
    separator = b"["
    for texts in elements:
        yield separator
        yield from texts
        separator = b","
    yield b"[]" if separator == b"[" else b"]"


def _body(key: str, texts: Iterable[bytes]) -> bytearray:
    body = bytearray(b'{"%b":' % key.encode())
    for text in texts:  # joined, they would stand in memory twice
        body += text
    body += b"}"
    return body


def _dump(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
