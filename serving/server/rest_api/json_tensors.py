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

_INTEGERS = {tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint32, tf.uint64}
_NUMBERS = {int, float, json_documents.Constant}


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
        raise invalid_argument(
            f"JSON Value: {json_documents.quote(value)} not formatted correctly for base64 data"
        )
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
        value: a leaf, or lists of lists of leaves.
        dtype: `tensorflow.DataType`. A number outside the range of its type is refused.

    Returns:
        The leaves in order, [values], strings as objects; and the shape.

    Raises:
        StatusError: INVALID_ARGUMENT, rows are ragged, or a leaf has another type;
            UNIMPLEMENTED, no JSON value has this type.
    """
    shape = _shape(value)
    values = [value]
    for level, size in enumerate(shape):
        for item in values:
            if not isinstance(item, list):
                raise invalid_argument(
                    f"JSON Value: {json_documents.quote(item)} found at incorrect level: "
                    f"{level + 1} in the JSON DOM. Expected at level: {len(shape)}"
                )
            if len(item) != size:
                raise invalid_argument(
                    f"Encountered list at unexpected size: {len(item)} at level: {level} "
                    f"expected size: {size}"
                )
        values = list(itertools.chain.from_iterable(values))
    if list in set(map(type, values)):
        rank = len(shape)
        raise invalid_argument(f"Encountered list at unexpected level: {rank} expected < {rank}")
    return _leaves(values, tf.as_dtype(dtype)), shape


def to_proto(values: npt.NDArray, shape: tuple[int, ...], dtype: int) -> tensor_pb2.TensorProto:
    """Encodes the result of `parse`."""
    proto = tensor_pb2.TensorProto(dtype=dtype)
    proto.tensor_shape.SetInParent()
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    if dtype == tf.string.as_datatype_enum:
        proto.string_val.extend(values.tolist())
    else:
        proto.tensor_content = values.tobytes()
    return proto


def _shape(value: Any) -> tuple[int, ...]:
    shape: list[int] = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return tuple(shape)


def _leaves(values: list[Any], dtype: tf.DType) -> npt.NDArray:
    if dtype == tf.string:
        strings = np.empty(len(values), object)
        for index, value in enumerate(values):
            if isinstance(value, dict):
                strings[index] = decode_base64(value)
            elif isinstance(value, str):
                strings[index] = value.encode()
            else:
                raise _type_error(value, dtype)
        return strings
    if dtype in (tf.float32, tf.float64):
        return _floats(values, dtype)
    if dtype == tf.bool:
        for value in values:
            if not isinstance(value, bool):
                raise _type_error(value, dtype)
    elif dtype in _INTEGERS:
        for value in values:
            if type(value) is not int or not dtype.min <= value <= dtype.max:
                raise _type_error(value, dtype)
    else:
        first = json_documents.quote(values[0] if values else None)
        raise StatusError(
            grpc.StatusCode.UNIMPLEMENTED,
            f"Conversion of JSON Value: {first} to type: {cpp_name(dtype)}",
        )
    return np.array(values, dtype.as_numpy_dtype)


def _floats(values: list[Any], dtype: tf.DType) -> npt.NDArray:
    if not set(map(type, values)) <= _NUMBERS:
        raise _type_error(next(value for value in values if type(value) not in _NUMBERS), dtype)
    try:
        doubles = np.array(values, np.float64)
    except OverflowError as error:
        raise invalid_argument(json_documents.TOO_BIG) from error
    # Up to here, every integer is a number of this type.
    exact = 2 ** (24 if dtype == tf.float32 else 53) - 1
    for index in np.flatnonzero(np.abs(doubles) > exact):
        check_decimal(values[index], dtype, exact)
    return doubles.astype(dtype.as_numpy_dtype)


def check_decimal(value: float | int, dtype: tf.DType, exact: int) -> None:
    """Refuses a number that its type cannot represent.

    An integer of 64 bits must be represented exactly. A decimal or a larger integer must be within
    the range of the type.

    Args:
        value: the number.
        dtype: tf.float32 or tf.float64.
        exact: up to this integer, every one is a number of this type.

    Raises:
        StatusError: INVALID_ARGUMENT.
    """
    if isinstance(value, json_documents.Constant):
        return
    if np.isinf(float(value)):
        raise invalid_argument(json_documents.TOO_BIG)
    if type(value) is int and -(2**63) <= value < 2**64:
        fits = abs(value) <= exact
    else:
        fits = abs(float(value)) <= float(dtype.max)
    if not fits:
        raise invalid_argument(
            f"Cannot convert JSON value: {json_documents.quote(value)} to {cpp_name(dtype)} "
            "without loss of precision."
        )


def cpp_name(dtype: tf.DType) -> str:
    """A type as TensorFlow's C++ names it.

    Example:
        >>> cpp_name(tf.float32), cpp_name(tf.int64)
        ('float', 'int64')
    """
    return {"float32": "float", "float64": "double", "float16": "half"}.get(dtype.name, dtype.name)


def _type_error(value: Any, dtype: tf.DType) -> StatusError:
    return invalid_argument(
        f"JSON Value: {json_documents.quote(value)} Type: {json_documents.type_name(value)} "
        f"is not of expected type: {cpp_name(dtype)}"
    )
