"""JSON values as tensors of the types that a signature declares.

Messages are TensorFlow Serving's (`json_tensor.cc`).
"""

import base64
import binascii
import itertools
from typing import Any

import grpc
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from serving.server.errors import StatusError, invalid_argument
from serving.server.rest_api import json_documents
from serving.server.rest_api.long_lists import LongList

INTEGERS = (tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint32, tf.uint64)
"""The types of integers that JSON stands for."""

_KINDS: dict[tf.DType, set[type]] = {
    **{dtype: {int} for dtype in INTEGERS},
    **{dtype: {int, float} for dtype in (tf.float32, tf.float64)},
    tf.bool: {bool},
    tf.string: {str, dict},
}


def is_base64(value: Any) -> bool:
    """Whether a value is `{"b64": "..."}`, the JSON form of bytes."""
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def decode_base64(value: Any) -> bytes:
    """The bytes of `{"b64": "..."}`; padding may be left out, white space is ignored.

    Example:
        >>> decode_base64({"b64": "aGVsbG8"})
        b'hello'

    Raises:
        StatusError: INVALID_ARGUMENT, the value has another form or is not base 64.
    """
    if not is_base64(value):
        quoted = json_documents.quote(value)
        raise invalid_argument(f"JSON Value: {quoted} not formatted correctly for base64 data")
    text = "".join(value["b64"].split())
    if "=" not in text:
        text += "=" * (-len(text) % 4)
    try:
        if len(text) % 4:
            raise binascii.Error("padding of the wrong length")
        return base64.b64decode(text, validate=True)
    except ValueError as error:  # binascii.Error is one; or the text is not ASCII
        raise invalid_argument("Unable to base64 decode") from error


def parse(value: Any, dtype: int) -> tuple[npt.NDArray, tuple[int, ...]]:
    """Makes the values of a tensor.

    Example:
        >>> parse([[1, 2], [3, 4]], tf.int32.as_datatype_enum)
        (array([1, 2, 3, 4], dtype=int32), (2, 2))

    Args:
        value: a leaf, lists of lists of leaves, or a `LongList` of them.
        dtype: `tensorflow.DataType`. An integer outside the range of its type is refused; a float
            is rounded to its type, which may make it infinite.

    Returns:
        The leaves in order, [values], strings as objects; and the shape.

    Raises:
        StatusError: INVALID_ARGUMENT, rows are ragged, or a leaf has another type;
            UNIMPLEMENTED, no JSON value has this type.
    """
    if isinstance(value, LongList):
        parts, shapes = zip(*(parse(piece, dtype) for piece in value), strict=True)
        if len({shape[1:] for shape in shapes}) > 1:
            raise invalid_argument("The pieces of a list differ in shape")
        size = sum(shape[0] for shape in shapes)
        return np.concatenate(parts), ((1,) * value.nesting + (size, *shapes[0][1:]))
    shape = _shape(value)
    values = [value]
    for level, size in enumerate(shape):
        if set(map(type, values)) != {list} or set(map(len, values)) != {size}:
            raise _level_error(values, shape, level)
        values = list(itertools.chain.from_iterable(values))
    kinds = set(map(type, values))
    if list in kinds:
        levels = f"{len(shape)} expected < {len(shape)}"
        raise invalid_argument(f"Encountered list at unexpected level: {levels}")
    return _leaves(values, kinds, tf.as_dtype(dtype)), shape


def fill_proto(
    proto: tensor_pb2.TensorProto, values: npt.NDArray, shape: tuple[int, ...], dtype: int
) -> None:
    """Encodes the result of `parse`."""
    proto.dtype = dtype
    proto.tensor_shape.SetInParent()
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    if dtype == tf.string.as_datatype_enum:
        proto.string_val.extend(values.tolist())
    else:
        proto.tensor_content = values.tobytes()


def _shape(value: Any) -> tuple[int, ...]:
    shape: list[int] = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return tuple(shape)


def _level_error(values: list[Any], shape: tuple[int, ...], level: int) -> StatusError:
    item = next(v for v in values if not isinstance(v, list) or len(v) != shape[level])
    if isinstance(item, list):
        found = f"Encountered list at unexpected size: {len(item)} at level: {level}"
        return invalid_argument(f"{found} expected size: {shape[level]}")
    found = f"JSON Value: {json_documents.quote(item)} found at incorrect level: {level + 1}"
    return invalid_argument(f"{found} in the JSON DOM. Expected at level: {len(shape)}")


def _leaves(values: list[Any], kinds: set[type], dtype: tf.DType) -> npt.NDArray:
    if dtype not in _KINDS:
        first = json_documents.quote(values[0] if values else None)
        problem = f"Conversion of JSON Value: {first} to type: {cpp_name(dtype)}"
        raise StatusError(grpc.StatusCode.UNIMPLEMENTED, problem)
    if not kinds <= _KINDS[dtype]:
        wrong = next(value for value in values if type(value) not in _KINDS[dtype])
        raise _type_error(wrong, dtype)
    if dtype == tf.string:
        strings = np.empty(len(values), object)
        for index, value in enumerate(values):
            strings[index] = value.encode() if type(value) is str else decode_base64(value)
        return strings
    if dtype.is_integer and values and not dtype.min <= min(values) <= max(values) <= dtype.max:
        wrong = next(value for value in values if not dtype.min <= value <= dtype.max)
        raise _type_error(wrong, dtype)
    with np.errstate(over="ignore"):  # a double beyond all floats is infinite
        exact = np.float64 if dtype.is_floating else dtype.as_numpy_dtype
        return np.array(values, exact).astype(dtype.as_numpy_dtype, copy=False)


def cpp_name(dtype: tf.DType) -> str:
    """A type as TensorFlow's C++ names it.

    Example:
        >>> cpp_name(tf.float32), cpp_name(tf.int64)
        ('float', 'int64')
    """
    return {"float32": "float", "float64": "double", "float16": "half"}.get(dtype.name, dtype.name)


def _type_error(value: Any, dtype: tf.DType) -> StatusError:
    quoted, kind = json_documents.quote(value), json_documents.type_name(value)
    problem = f"is not of expected type: {cpp_name(dtype)}"
    return invalid_argument(f"JSON Value: {quoted} Type: {kind} {problem}")
