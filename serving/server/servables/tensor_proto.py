"""Converts between TensorProto and numpy, as TensorFlow Serving does."""

import math

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from serving.channel import MAX_MESSAGE_BYTES

# The field of a TensorProto that holds the values of a type. TensorFlow Serving answers in these
# fields (`Tensor::AsProtoField`), and clients read `response.outputs["y"].float_val`, while
# `tf.make_tensor_proto` fills `tensor_content`.
_VALUE_FIELDS = {
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.float16: "half_val",
    tf.bfloat16: "half_val",
    tf.int8: "int_val",
    tf.int16: "int_val",
    tf.int32: "int_val",
    tf.uint8: "int_val",
    tf.uint16: "int_val",
    tf.int64: "int64_val",
    tf.uint32: "uint32_val",
    tf.uint64: "uint64_val",
    tf.bool: "bool_val",
    tf.string: "string_val",
}

# A message holds repeated floats as the bytes of an array. So they are written and read at once:
# lists of Python's floats take eight times the memory, and hold up other threads. The keys of
# `float_val` and `double_val` in a message:
_FLOAT_KEYS = {tf.float32: b"\x2a", tf.float64: b"\x32"}
_CHUNK_VALUES = 2**16


def to_proto(values: npt.NDArray, dtype: tf.DType) -> tensor_pb2.TensorProto:
    """Encodes a tensor.

    Example:
        >>> to_proto(np.array([0.5, 2.0]), tf.float32).float_val
        [0.5, 2.0]

    Args:
        values: of any shape; strings as an object array of bytes.
        dtype: their type.

    Returns:
        The values in the field of their type; rarer types (complex, quantized) as
        `tf.make_tensor_proto` writes them.
    """
    field = _VALUE_FIELDS.get(dtype)
    if field is None:
        return tf.make_tensor_proto(values, dtype=dtype)
    proto = tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum)
    for size in values.shape:
        proto.tensor_shape.dim.add(size=size)
    flat = values.ravel()
    for start in range(0, flat.size, _CHUNK_VALUES):
        chunk = flat[start : start + _CHUNK_VALUES]
        if dtype in _FLOAT_KEYS:
            # As a message has it but for the key; merging appends.
            content = chunk.astype(dtype.as_numpy_dtype).tobytes()
            message = tensor_pb2.TensorProto(tensor_content=content).SerializeToString()
            proto.MergeFromString(_FLOAT_KEYS[dtype] + message[1:])
        else:
            if field == "half_val":
                chunk = chunk.astype(dtype.as_numpy_dtype).view(np.uint16)
            getattr(proto, field).extend(chunk.tolist())
    return proto


def from_proto(proto: tensor_pb2.TensorProto) -> npt.NDArray:
    """Decodes a tensor; strings become an object array of bytes, trailing NULs kept.

    Example:
        >>> from_proto(tf.make_tensor_proto([1, 2], tf.int64))
        array([1, 2])

    Args:
        proto: the tensor as a client sent it.

    Returns:
        The values, in the shape of the tensor.

    Raises:
        ValueError: the type is unknown, the shape is not fully known, or type, shape and
            content do not fit together; or the shape is larger than any message. (The last
            value of a message may stand for all that follow.)
    """
    shape = proto.tensor_shape
    if shape.unknown_rank or any(dimension.size < 0 for dimension in shape.dim):
        raise ValueError("the tensor's shape is not fully known")
    try:
        type_ = tf.as_dtype(proto.dtype)
        dtype = np.dtype(type_.as_numpy_dtype)
    except (TypeError, KeyError) as error:  # unknown, or a handle that is valid only in a process
        raise ValueError(f"type {proto.dtype} cannot be sent") from error
    size = math.prod(dimension.size for dimension in shape.dim)
    if size * dtype.itemsize > MAX_MESSAGE_BYTES:
        raise ValueError("the tensor's shape is larger than any message")
    names = [field.name for field, _ in proto.ListFields()]
    at_end = names[-1] == _VALUE_FIELDS.get(type_) and not proto.UnknownFields()
    alone = at_end and "tensor_content" not in names and len(getattr(proto, names[-1])) == size
    if alone and type_ in _FLOAT_KEYS:
        content = proto.SerializeToString()[-size * dtype.itemsize :]
        return np.frombuffer(content, dtype).reshape([dimension.size for dimension in shape.dim])
    try:
        return tf.make_ndarray(proto)
    except (TypeError, KeyError, OverflowError) as error:  # a type that has no content
        raise ValueError(str(error)) from error
