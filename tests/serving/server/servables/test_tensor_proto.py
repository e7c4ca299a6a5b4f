import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from serving.server.servables.tensor_proto import from_proto, to_proto


@pytest.mark.parametrize(
    ("values", "dtype", "field"),
    [
        ([[1.5, -2.0], [0.0, float("inf")]], tf.float32, "float_val"),
        ([1.5, 2.0], tf.float64, "double_val"),
        ([1, 255], tf.uint8, "int_val"),
        ([-1, 127], tf.int8, "int_val"),
        ([-(2**31), 5], tf.int32, "int_val"),
        ([-(2**63), 5], tf.int64, "int64_val"),
        ([2**64 - 1, 5], tf.uint64, "uint64_val"),
        ([True, False], tf.bool, "bool_val"),
        ([b"a\0", b"", "ä".encode()], tf.string, "string_val"),
        ([1.5, 2.0], tf.bfloat16, "half_val"),
        ([1.5, 2.0], tf.float16, "half_val"),
        ([1.5 + 2j, 2.0], tf.complex64, "scomplex_val"),
        ([], tf.float32, None),
        (3.0, tf.float32, "float_val"),
        (b"a\0", tf.string, "string_val"),
    ],
)
def test_values_survive_in_the_field_of_their_type(values, dtype, field):
    tensor = tf.constant(values, dtype)
    array = np.array(values, object) if dtype is tf.string else tensor.numpy()
    proto = to_proto(array, dtype)
    filled = {descriptor.name for descriptor, _ in proto.ListFields()}
    assert filled - {"dtype", "tensor_shape"} == ({field} if field else set())
    assert proto.dtype == dtype.as_datatype_enum
    decoded = from_proto(proto)
    assert decoded.shape == tuple(tensor.shape)
    np.testing.assert_array_equal(decoded, array)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_many_values_survive(dtype):
    values = np.arange(200_000).astype(dtype).reshape(-1, 2)
    sent = tensor_pb2.TensorProto.FromString(
        to_proto(values, tf.as_dtype(dtype)).SerializeToString()
    )
    np.testing.assert_array_equal(from_proto(sent), values)


def test_floats_beside_other_fields_are_read():
    proto = to_proto(np.float32([1, 2]), tf.float32)
    unknown = tensor_pb2.TensorProto.FromString(proto.SerializeToString() + b"\xfa\x7f\x01x")
    proto.int_val.append(3)
    for odd in (proto, unknown):
        np.testing.assert_array_equal(from_proto(odd), [1, 2])


def test_content_in_either_form_is_read():
    expected = np.array([[1, 2], [3, 4]], np.int32)
    np.testing.assert_array_equal(from_proto(tf.make_tensor_proto(expected)), expected)
    proto = tensor_pb2.TensorProto(dtype=3, int_val=[7])
    for size in (2, 2):
        proto.tensor_shape.dim.add(size=size)
    np.testing.assert_array_equal(from_proto(proto), np.full([2, 2], 7))


@pytest.mark.parametrize(
    ("dtype", "size", "content"),
    [
        pytest.param(1, 3, b"\0" * 11, id="torn number"),
        pytest.param(1, 3, b"\0" * 8, id="too few values"),
        pytest.param(99, 1, b"", id="unknown type"),
        pytest.param(1, 2**60, b"", id="beyond all memory"),
    ],
)
def test_what_does_not_fit_together_is_an_error(dtype, size, content):
    proto = tensor_pb2.TensorProto(dtype=dtype, tensor_content=content, float_val=[1.0])
    proto.tensor_shape.dim.add(size=size)
    with pytest.raises(ValueError):
        from_proto(proto)
