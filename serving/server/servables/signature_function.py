"""A signature of a SavedModel as a function of arrays."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2


class SignatureFunction:
    """Computes some outputs of a signature, and only these.

    Like TensorFlow Serving, it runs only the nodes that the requested outputs need (a
    `tf.function` is one node), by a callable of the session that is prepared once. `Session.run`
    prepares it every time and checks shapes in Python, with other messages; it takes 0.2 ms
    longer.

    Attributes:
        outputs: names of the outputs, in the order of the results.
        dtypes: their types.

    Args:
        session: into which the SavedModel was loaded.
        signature: as the SavedModel declares it.
        inputs: names of its inputs, in the order of the arrays.
        outputs: names of the outputs to compute.
    """

    def __init__(
        self,
        session: tf.compat.v1.Session,
        signature: meta_graph_pb2.SignatureDef,
        inputs: Sequence[str],
        outputs: Sequence[str],
    ) -> None:
        self.outputs = tuple(outputs)
        self.dtypes = [tf.as_dtype(signature.outputs[name].dtype) for name in outputs]
        self._input_types = [
            tf.as_dtype(signature.inputs[name].dtype).as_numpy_dtype for name in inputs
        ]
        self._run = session._make_callable_from_options(
            config_pb2.CallableOptions(
                feed=[signature.inputs[name].name for name in inputs],
                fetch=[signature.outputs[name].name for name in outputs],
            )
        )

    def __call__(self, arrays: Sequence[npt.NDArray]) -> list[npt.NDArray]:
        """Runs the signature.

        Args:
            arrays: one for each input; strings as object arrays of bytes.

        Returns:
            One array for each output.

        Raises:
            tf.errors.OpError: an operation failed.
        """
        feeds = [
            np.asarray(array, dtype) for array, dtype in zip(arrays, self._input_types, strict=True)
        ]
        return [_to_array(values) for values in self._run(*feeds)]


def _to_array(values: npt.NDArray | bytes | np.generic) -> npt.NDArray:
    """The result of a session as an array; a lone string as objects, to keep trailing NULs."""
    return np.array(values, object) if isinstance(values, bytes) else np.asarray(values)
