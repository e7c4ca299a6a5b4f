import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.backbones.grouped_convolution import GroupedConvolution, has_native_gradient

pytestmark = pytest.mark.slow

GROUPS, CHANNELS, FILTERS = 4, 8, 12


@pytest.fixture(scope="module")
def values():
    random = np.random.default_rng(0)
    inputs = random.normal(size=(2, 6, 5, CHANNELS)).astype(np.float32)
    kernel = random.normal(size=(3, 3, CHANNELS // GROUPS, FILTERS)).astype(np.float32)
    return inputs, kernel


def by_definition(inputs, kernel, strides):
    """PyTorch's grouped convolution, padded by one on every side, written out."""
    n, height, width, _ = inputs.shape
    padded = np.pad(inputs, [(0, 0), (1, 1), (1, 1), (0, 0)]).astype(np.float64)
    rows, columns = range(0, height, strides), range(0, width, strides)
    outputs = np.zeros((n, len(rows), len(columns), FILTERS))
    wide, narrow = CHANNELS // GROUPS, FILTERS // GROUPS
    for filter_number in range(FILTERS):
        first = filter_number // narrow * wide
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                window = padded[:, row : row + 3, column : column + 3, first : first + wide]
                products = window * kernel[..., filter_number]
                outputs[:, i, j, filter_number] = products.sum(axis=(1, 2, 3))
    return outputs


def with_gradients(function, inputs, kernel):
    inputs, kernel = tf.constant(inputs), tf.constant(kernel)
    with tf.GradientTape() as tape:
        tape.watch([inputs, kernel])
        outputs = function(inputs, kernel)
        loss = tf.reduce_sum(outputs**2)
    return outputs, *tape.gradient(loss, [inputs, kernel])


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("split", [False, True])
def test_values(split, strides, values):
    layer = GroupedConvolution(FILTERS, 3, groups=GROUPS, strides=strides, split=split)
    layer.build((None, 6, 5, CHANNELS))
    layer.kernel.assign(values[1])
    expected = by_definition(*values, strides)
    np.testing.assert_allclose(layer(values[0]), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(not has_native_gradient(), reason="TensorFlow has no such gradient here")
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("split", [False, True])
def test_gradients_are_those_of_the_native_convolution(split, strides, values):
    layer = GroupedConvolution(FILTERS, 3, groups=GROUPS, strides=strides, split=split)
    layer.build((None, 6, 5, CHANNELS))
    layer.kernel.assign(values[1])

    def ours(inputs, kernel):
        return keras.ops.convert_to_tensor(layer.stateless_call([kernel], [], inputs)[0])

    def native(inputs, kernel):
        padded = tf.pad(inputs, [(0, 0), (1, 1), (1, 1), (0, 0)])
        return tf.nn.conv2d(padded, kernel, strides, "VALID")

    for one, other in zip(
        with_gradients(ours, *values), with_gradients(native, *values), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-3)


def test_one_kernel_whether_split_or_not():
    for split in (False, True):
        layer = GroupedConvolution(FILTERS, 3, groups=GROUPS, split=split)
        layer.build((None, None, None, CHANNELS))
        (kernel,) = layer.weights
        assert kernel.shape == (3, 3, CHANNELS // GROUPS, FILTERS)


def test_trains_where_there_is_no_native_gradient():
    code = (
        "import tensorflow as tf\n"
        "from models.backbones.grouped_convolution import GroupedConvolution\n"
        f"layer = GroupedConvolution({FILTERS}, 3, groups={GROUPS})\n"
        "with tf.GradientTape() as tape:\n"
        f"    loss = tf.reduce_sum(layer(tf.ones([1, 4, 4, {CHANNELS}])))\n"
        "print(layer.split, tape.gradient(loss, layer.kernel.value).shape)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == f"True (3, 3, {CHANNELS // GROUPS}, {FILTERS})"


def test_splits_only_where_there_is_no_native_gradient():
    assert GroupedConvolution(FILTERS, 3, groups=GROUPS).split != has_native_gradient()


def test_computes_under_the_policy(values):
    layer = GroupedConvolution(FILTERS, 3, groups=GROUPS)
    layer.dtype_policy = keras.DTypePolicy("mixed_bfloat16")
    assert layer(values[0]).dtype == tf.bfloat16
    assert layer.kernel.dtype == "float32"
