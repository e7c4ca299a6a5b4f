"""One loaded version of a model."""

import pathlib
import re
from collections.abc import Mapping, Sequence

import grpc
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from serving.server import errors, tensors
from serving.server.errors import StatusError, invalid_argument


class Servable:
    """A SavedModel that answers requests by its signatures; safe to use from many threads.

    Errors are those of TensorFlow Serving (`predict_util.cc`), word for word.

    Attributes:
        signatures: signature definitions by name, as the model declares them.

    Args:
        folder: of the SavedModel.

    Raises:
        StatusError: the SavedModel is broken.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        try:
            # The functions live as long as what they were loaded from.
            self._loaded = tf.saved_model.load(str(folder), tags=[tf.saved_model.SERVING])
        except tf.errors.OpError as error:
            raise _status_error(error) from error
        self._functions = self._loaded.signatures
        self.signatures = _read_signatures(folder)

    def predict(
        self,
        signature_name: str,
        inputs: Mapping[str, tensor_pb2.TensorProto],
        output_filter: Sequence[str] = (),
    ) -> dict[str, tensor_pb2.TensorProto]:
        """Runs a signature.

        Args:
            signature_name: empty for `serving_default`.
            inputs: one tensor for each input of the signature.
            output_filter: names of the outputs wanted; empty for all.

        Returns:
            The wanted outputs by name.

        Raises:
            StatusError: FAILED_PRECONDITION, there is no such signature; INVALID_ARGUMENT,
                inputs or outputs do not fit it; or what the failing operation says.
        """
        name = signature_name or tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
        # `__saved_model_init_op` is declared as a signature, but is no function.
        if name not in self._functions or name not in self.signatures:
            raise StatusError(
                grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.'
            )
        signature = self.signatures[name]
        arguments = _parse_inputs(signature, inputs)
        wanted = _check_outputs(signature, output_filter)
        outputs = self.run(name, arguments)
        return {alias: tensors.to_proto(outputs[alias]) for alias in wanted}

    def run(self, name: str, arguments: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Runs a signature on inputs that have been checked.

        Args:
            name: of a signature that the model has.
            arguments: a tensor of the right type for each input of the signature.

        Returns:
            All outputs by name.

        Raises:
            StatusError: what the failing operation says.
        """
        try:
            return self._functions[name](**arguments)
        except tf.errors.OpError as error:
            raise _status_error(error) from error


def _read_signatures(folder: pathlib.Path) -> dict[str, meta_graph_pb2.SignatureDef]:
    """Signature definitions of the graph that is tagged for serving."""
    saved_model = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    for meta_graph in saved_model.meta_graphs:
        if list(meta_graph.meta_info_def.tags) == [tf.saved_model.SERVING]:
            return dict(meta_graph.signature_def)
    raise StatusError(
        grpc.StatusCode.NOT_FOUND, f"{folder}: no graph is tagged '{tf.saved_model.SERVING}'"
    )


def _parse_inputs(
    signature: meta_graph_pb2.SignatureDef, inputs: Mapping[str, tensor_pb2.TensorProto]
) -> dict[str, tf.Tensor]:
    """Checks a request's inputs against a signature and makes tensors of them."""
    if len(inputs) != len(signature.inputs):
        extra = set(inputs) - set(signature.inputs)
        missing = set(signature.inputs) - set(inputs)
        raise invalid_argument(
            f"input size does not match signature: {len(inputs)}!={len(signature.inputs)} "
            f"len({_set(inputs)}) != len({_set(signature.inputs)}). "
            f"Sent extra: {_set(extra)}. Missing but required: {_set(missing)}."
        )
    arguments = {}
    for index, alias in enumerate(sorted(inputs)):
        if alias not in signature.inputs:
            raise invalid_argument(
                f"input tensor alias not found in signature: {alias}. "
                f"Inputs expected to be in the set {_set(signature.inputs)}."
            )
        try:
            values = tensors.from_proto(inputs[alias])
        except ValueError as error:
            raise invalid_argument(f"tensor parsing error: {alias}") from error
        sent, expected = inputs[alias].dtype, signature.inputs[alias].dtype
        if sent != expected:
            raise invalid_argument(
                f"Expects arg[{index}] to be {type_name(expected)} "
                f"but {type_name(sent)} is provided"
            )
        arguments[alias] = tf.constant(values, dtype=tf.as_dtype(expected))
    return arguments


def _check_outputs(
    signature: meta_graph_pb2.SignatureDef, output_filter: Sequence[str]
) -> list[str]:
    """Names of the outputs to answer with."""
    for index, alias in enumerate(output_filter):
        if alias not in signature.outputs:
            raise invalid_argument(
                f"output tensor alias not found in signature: {alias} "
                f"Outputs expected to be in the set {_set(signature.outputs)}."
            )
        if alias in output_filter[:index]:
            raise invalid_argument(f"duplicate output tensor alias: {alias}")
    return list(output_filter or signature.outputs)


def _set(names: Mapping[str, object] | set[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"


def type_name(number: int) -> str:
    """A type as TensorFlow's C++ names it: float, string, int64.

    Args:
        number: of the type, as in `tensorflow.DataType`.
    """
    return tf.as_dtype(number).name.replace("float32", "float")


def _status_error(error: tf.errors.OpError) -> StatusError:
    """What the operation said, without what Python's runtime puts around it."""
    message = error.message.rpartition("<stack traces unavailable>\n")[2]
    return errors.from_number(error.error_code, re.sub(r" \[Op:[^]]*\]$", "", message))
