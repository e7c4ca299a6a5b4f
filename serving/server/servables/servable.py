"""One loaded version of a model."""

import ctypes
import gc
import pathlib
import threading
from collections.abc import Mapping, Sequence

import grpc
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow.python.util import deprecation

from serving.server import errors
from serving.server.batching import ArrayFunction, BatchedFunction, ServerBatching
from serving.server.errors import StatusError, invalid_argument
from serving.server.servables import tensor_proto
from serving.server.servables.signature_function import SignatureFunction
from serving.server.version_folders import SAVED_MODEL

_INIT_OP = "__saved_model_init_op"
"""Declared as a signature, but it initializes the graph and has no answer."""

_MAX_FUNCTIONS = 32
"""Most functions kept, one for each choice of outputs. A limit, so that clients that send many
different filters do not fill the memory."""


class Servable:
    """A SavedModel that answers requests by its signatures; safe to use from many threads.

    Errors are those of TensorFlow Serving (`predict_util.cc`), word for word. As there, each
    version has its own session. `tf.saved_model.load` would put the functions of a model into the
    process's only context, which keeps memory for them after they are deleted: 350 MiB for every
    EfficientNetV2-B0 ever loaded. It also takes twice as long.

    Attributes:
        signatures: signature definitions by name, as the model declares them.

    Args:
        folder: of the SavedModel.
        batching: how concurrent requests are merged; None to merge none.

    Raises:
        StatusError: the SavedModel or its batching parameters are broken.
    """

    def __init__(self, folder: pathlib.Path, batching: ServerBatching | None = None) -> None:
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        try:
            self.signatures = _load(self._session, folder)
            self._batching_parameters = batching.of_model(folder) if batching else None
        except BaseException:
            self._session.close()
            raise
        self._batching = batching
        self._functions: dict[tuple[str, ...], ArrayFunction] = {}
        self._lock = threading.Lock()

    def predict(
        self,
        signature_name: str,
        inputs: Mapping[str, tensor_pb2.TensorProto],
        output_filter: Sequence[str] = (),
    ) -> dict[str, tensor_pb2.TensorProto]:
        """Runs a signature.

        Args:
            signature_name: empty for `serving_default`.
            inputs: one tensor for each input of the signature; absent ones have its default.
            output_filter: names of the outputs to return; empty for all.

        Returns:
            The outputs by name.

        Raises:
            StatusError: FAILED_PRECONDITION, there is no such signature; INVALID_ARGUMENT,
                inputs or outputs do not fit it; or the error of the failing operation.
        """
        name = signature_name or tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
        if name not in self.signatures or name == _INIT_OP:
            raise StatusError(
                grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.'
            )
        signature = self.signatures[name]
        arguments = _parse_inputs(signature, inputs)
        wanted = _check_outputs(signature, output_filter)
        function = self._function(name, wanted)
        results = self._call(function, arguments)
        outputs = zip(function.outputs, results, function.dtypes, strict=True)
        return {
            alias: tensor_proto.to_proto(values, dtype)
            for alias, values, dtype in outputs
            if alias in wanted
        }

    def run(self, name: str, arguments: Mapping[str, npt.NDArray]) -> dict[str, tf.Tensor]:
        """Runs a signature on inputs that have been checked.

        Args:
            name: of a signature that the model has.
            arguments: an array of the right type for each input of the signature.

        Returns:
            All outputs by name.

        Raises:
            StatusError: the error of the failing operation.
        """
        function = self._function(name, list(self.signatures[name].outputs))
        results = self._call(function, [arguments[key] for key in sorted(arguments)])
        outputs = zip(function.outputs, results, function.dtypes, strict=True)
        return {alias: tf.constant(values, dtype) for alias, values, dtype in outputs}

    def close(self) -> None:
        """Frees the model's memory; the servable must not be used after."""
        self._functions.clear()
        self._session.close()
        del self._session  # frees the graph's variables
        _return_memory()

    def _call(self, function: ArrayFunction, arrays: Sequence[npt.NDArray]) -> list[npt.NDArray]:
        try:
            return function(arrays)
        except tf.errors.OpError as error:
            raise _status_error(error) from error

    def _function(self, name: str, outputs: Sequence[str]) -> ArrayFunction:
        """The function that computes these outputs of a signature."""
        key = (name, *sorted(outputs))
        with self._lock:
            if key not in self._functions and len(self._functions) >= _MAX_FUNCTIONS:
                key = (name, *sorted(self.signatures[name].outputs))
            if key not in self._functions:
                self._functions[key] = self._make_function(name, key[1:])
            return self._functions[key]

    def _make_function(self, name: str, outputs: Sequence[str]) -> ArrayFunction:
        inputs = sorted(self.signatures[name].inputs)
        function = SignatureFunction(self._session, self.signatures[name], inputs, outputs)
        if self._batching is None or self._batching_parameters is None:
            return function
        return BatchedFunction(function, self._batching_parameters, self._batching.scheduler)


def _return_memory() -> None:
    """Returns the memory of a closed session and its graph to the operating system.

    Python's objects of a graph refer to each other in circles (130 MiB for EfficientNetV2-B0).
    And glibc keeps freed memory for the arena of the thread that allocated it, while another
    thread loads the next version. Other C libraries have no `malloc_trim`.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _load(
    session: tf.compat.v1.Session, folder: pathlib.Path
) -> dict[str, meta_graph_pb2.SignatureDef]:
    """Loads the graph that is tagged for serving, and returns its signatures by name.

    Messages are those of `tensorflow/cc/saved_model/reader.cc`.
    """
    if not tf.compat.v1.saved_model.contains_saved_model(str(folder)):
        raise StatusError(
            grpc.StatusCode.NOT_FOUND,
            f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {folder}",
        )
    tag = tf.saved_model.SERVING
    try:
        # Its warning recommends the other loader; see `Servable`.
        with deprecation.silence():
            graph = tf.compat.v1.saved_model.load(session, [tag], str(folder))
    except tf.errors.OpError as error:
        raise _status_error(error) from error
    except OSError as error:
        raise StatusError(
            grpc.StatusCode.DATA_LOSS, f"Can't parse {folder / SAVED_MODEL} as binary proto"
        ) from error
    except RuntimeError as error:
        raise StatusError(
            grpc.StatusCode.NOT_FOUND,
            f"Could not find meta graph def matching supplied tags: {{ {tag} }}",
        ) from error
    return dict(graph.signature_def)


def _parse_inputs(
    signature: meta_graph_pb2.SignatureDef, inputs: Mapping[str, tensor_pb2.TensorProto]
) -> list[npt.NDArray]:
    """Checks a request's inputs against a signature and decodes them, ordered by name.

    An input that is absent has the signature's default.
    """
    defaults = signature.defaults
    if len(inputs) > len(signature.inputs) or (
        len(inputs) < len(signature.inputs) and not defaults
    ):
        extra = set(inputs) - set(signature.inputs)
        missing = set(signature.inputs) - set(inputs)
        raise invalid_argument(
            f"input size does not match signature: {len(inputs)}!={len(signature.inputs)} "
            f"len({_set(inputs)}) != len({_set(signature.inputs)}). "
            f"Sent extra: {_set(extra)}. Missing but required: {_set(missing)}."
        )
    arguments = []
    for index, alias in enumerate(sorted(signature.inputs)):
        if alias not in inputs and alias not in defaults:
            raise invalid_argument(
                f"Signature input alias: {alias}(feed name: {signature.inputs[alias].name}) not "
                "found in request and no default value provided. Inputs expected to be in the "
                f"request {_set(inputs)}, or default input alias set: {','.join(sorted(defaults))}"
            )
        tensor = inputs[alias] if alias in inputs else defaults[alias]
        try:
            values = tensor_proto.from_proto(tensor)
        except ValueError as error:
            raise invalid_argument(f"tensor parsing error: {alias}") from error
        expected = signature.inputs[alias].dtype
        if tensor.dtype != expected:
            raise invalid_argument(
                f"Expects arg[{index}] to be {type_name(expected)} "
                f"but {type_name(tensor.dtype)} is provided"
            )
        arguments.append(values)
    used = sorted(set(inputs) & set(signature.inputs))
    if len(used) < len(inputs):
        raise invalid_argument(
            f"Inputs contains invalid name. Used request inputs: {','.join(used)}, "
            f"request input: {','.join(sorted(inputs))}"
        )
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
    """A type as TensorFlow's C++ names it: half, float, double, string, int64.

    Args:
        number: of the type, as in `tensorflow.DataType`.
    """
    name = tf.as_dtype(number).name
    return {"float16": "half", "float32": "float", "float64": "double"}.get(name, name)


def _status_error(error: tf.errors.OpError) -> StatusError:
    return errors.from_number(error.error_code, error.message)
