"""A grouped convolution that trains on CPUs."""

import functools

import keras
import tensorflow as tf


class GroupedConvolution(keras.layers.Layer):
    """A convolution within groups of channels, without bias.

    Keras' own `Conv2D(groups=...)` compiles every grouped convolution on a CPU with XLA, in
    training and in the exported graph, and a training step then takes 30 times as long. This layer
    calls TensorFlow's kernel, which has a gradient on CPUs if TensorFlow uses oneDNN (its default
    on x86). Otherwise the layer computes one convolution for each group.

    Args:
        filters: output channels; `groups` divides them and the input channels.
        kernel_size: pixels a side, odd; either side is padded with half as many zeros, as in
            PyTorch and unlike TensorFlow's "same" with strides.
        groups: number of groups.
        strides: of the kernel, pixels.
        kernel_initializer: of the kernel.
        split: whether to compute one convolution for each group; by default if there is no
            `has_native_gradient()`.
        name: of the layer.

    Attributes:
        kernel: one variable, [kernel_size, kernel_size, input channels / groups, filters],
            whether split or not.

    Example:
        >>> GroupedConvolution(64, 3, groups=32)(keras.Input((56, 56, 128))).shape
        (None, 56, 56, 64)
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
        # Padded beforehand, because oneDNN does not take explicit padding, nor its gradient.
        padded = tf.pad(inputs, [(0, 0), border, border, (0, 0)])
        return tf.nn.conv2d(padded, kernel, self.strides, "VALID")


@functools.cache
def has_native_gradient() -> bool:
    """Whether TensorFlow has a gradient of grouped convolutions on the present device.

    It tries one, as TensorFlow cannot be asked. Call it eagerly.
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
