"""A grouped convolution that trains on CPUs."""

import functools

import keras
import tensorflow as tf


class GroupedConvolution(keras.layers.Layer):
    """A convolution whose channels are cut into groups that do not see each other; no bias.

    Keras' own `Conv2D(groups=...)` compiles every grouped convolution on a CPU with XLA, in
    training as in the exported graph, and a training step then takes 30 times as long. This one
    calls TensorFlow's kernel, whose gradient on a CPU exists where TensorFlow uses oneDNN (its
    default on x86). Where it does not, the same is computed as one convolution a group.

    Args:
        filters: channels that come out; `groups` divides them and those that go in.
        kernel_size: pixels a side, odd; the borders are padded with zeros by half of it on
            either side, as PyTorch does and TensorFlow's "same" with strides does not.
        groups: number of groups.
        strides: of the kernel, pixels.
        kernel_initializer: of the kernel.
        split: whether to compute one convolution a group; None decides by
            `has_native_gradient()`.
        name: of the layer.

    Attributes:
        kernel: one variable, [kernel_size, kernel_size, channels in / groups, filters], whichever
            way is computed.

    Example:
        GroupedConvolution(128, 3, groups=32)(keras.Input((56, 56, 128)))
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        *,
        groups: int,
        strides: int = 1,
        kernel_initializer: keras.initializers.Initializer | str = "glorot_uniform",
        split: bool | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.filters = filters
        self.kernel_size = kernel_size
        self.groups = groups
        self.strides = strides
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.split = not has_native_gradient() if split is None else split

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the kernel for inputs of shape [n, height, width, channels]."""
        self.kernel = self.add_weight(
            shape=(
                self.kernel_size,
                self.kernel_size,
                int(input_shape[-1] or 0) // self.groups,
                self.filters,
            ),
            initializer=self.kernel_initializer,
            name="kernel",
        )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Convolves.

        Args:
            inputs: float [n, height, width, channels].

        Returns:
            float [n, ceil(height / strides), ceil(width / strides), filters].
        """
        kernel = keras.ops.convert_to_tensor(self.kernel)
        if not self.split:
            return self._convolve(inputs, kernel)
        parts = zip(
            tf.split(inputs, self.groups, axis=-1),
            tf.split(kernel, self.groups, axis=-1),
            strict=True,
        )
        return tf.concat([self._convolve(part, weights) for part, weights in parts], axis=-1)

    def _convolve(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        border = (self.kernel_size // 2, self.kernel_size // 2)
        # Padded beforehand: with explicit padding oneDNN takes no part, and gives no gradient.
        padded = tf.pad(inputs, [(0, 0), border, border, (0, 0)])
        return tf.nn.conv2d(padded, kernel, self.strides, "VALID")


@functools.cache
def has_native_gradient() -> bool:
    """Whether TensorFlow has a gradient of grouped convolutions on the device that it would use.

    Tried out, since TensorFlow does not tell. Call it eagerly.
    """
    inputs, kernel = tf.ones([1, 3, 3, 4]), tf.ones([3, 3, 2, 4])
    with tf.GradientTape() as tape:
        tape.watch([inputs, kernel])
        outputs = tf.nn.conv2d(inputs, kernel, 1, "VALID")
    try:
        tape.gradient(outputs, [inputs, kernel])
    except (tf.errors.UnimplementedError, tf.errors.InvalidArgumentError):
        return False
    return True
