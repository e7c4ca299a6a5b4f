"""A signature of a SavedModel as a function of arrays."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf


class SignatureFunction:
    """Computes some outputs of a signature, and only these.

    TensorFlow Serving runs the part of the graph that the wanted outputs need; so does this,
    by tracing the signature again with those outputs alone. Called through the operation that
    calls a function, which takes 16 microseconds where calling the function itself takes 185
    (two inputs, one core).

    Attributes:
        outputs: names of the outputs, in the order of the results.
        dtypes: their types.

    Args:
        function: the signature as `tf.saved_model.load` gives it.
        inputs: names of its inputs, in the order in which they will come.
        outputs: names of the wanted outputs.
    """

    def __init__(
        self,
        function: tf.types.experimental.ConcreteFunction,
        inputs: Sequence[str],
        outputs: Sequence[str],
    ) -> None:
        specs = function.structured_input_signature[1]

        @tf.function(input_signature=[specs[name] for name in inputs], autograph=False)
        def compute(*tensors: tf.Tensor) -> list[tf.Tensor]:
            results = function(**dict(zip(inputs, tensors, strict=True)))
            return [results[name] for name in outputs]

        self.outputs = tuple(outputs)
        self._function = compute.get_concrete_function()
        self._captured = list(self._function.captured_inputs)
        self._input_types = [specs[name].dtype for name in inputs]
        self.dtypes = [tensor.dtype for tensor in self._function.outputs]

    def __call__(self, arrays: Sequence[npt.NDArray]) -> list[npt.NDArray]:
        """Runs the signature.

        Args:
            arrays: one for each input; strings as object arrays of bytes.

        Returns:
            One array for each output.

        Raises:
            tf.errors.OpError: an operation failed.
        """
        tensors = [
            tf.constant(array, dtype)
            for array, dtype in zip(arrays, self._input_types, strict=True)
        ]
        results = tf.raw_ops.StatefulPartitionedCall(
            args=[*tensors, *self._captured], Tout=self.dtypes, f=self._function
        )
        return [to_array(tensor) for tensor in results]


def to_array(tensor: tf.Tensor) -> npt.NDArray:
    """Values of an eager tensor; a lone string as an object array, lest it lose NULs."""
    values = tensor.numpy()
    return np.array(values, object) if isinstance(values, bytes) else np.asarray(values)
