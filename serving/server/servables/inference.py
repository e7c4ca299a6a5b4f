"""Classify, Regress and MultiInference: examples in, classes or values out.

Checks and messages are those of TensorFlow Serving 2.16 (`classifier.cc`, `regressor.cc`,
`multi_inference.cc`, `util.cc`) as it runs by default: a signature is checked by its inputs and
outputs, not by its method name, so that models exported by TensorFlow 2 work too.
"""

from collections.abc import Callable

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    input_pb2,
    model_pb2,
    prediction_log_pb2,
    regression_pb2,
)

from serving.server.errors import StatusError, invalid_argument
from serving.server.servables.servable import Servable, type_name

# tensorflow/cc/saved_model/signature_constants.h
_CLASSIFY_METHOD = "tensorflow/serving/classify"
_REGRESS_METHOD = "tensorflow/serving/regress"
_INPUTS = "inputs"
_CLASSES, _SCORES = "classes", "scores"
_OUTPUTS = "outputs"


def classify(
    servable: Servable, request: classification_pb2.ClassificationRequest
) -> classification_pb2.ClassificationResult:
    """Classifies each example.

    Args:
        servable: a loaded version.
        request: its signature has the input `inputs`, serialized Examples, and at least one
            of the outputs `classes`, string [n, classes], and `scores`, float32 [n, classes].

    Returns:
        One `Classifications` an example.

    Raises:
        StatusError: INVALID_ARGUMENT, the signature, the input or the outputs differ from that;
            or the error of the failing operation.
    """
    return _classify(servable, _find_signature(servable, request.model_spec), request.input)


def regress(
    servable: Servable, request: regression_pb2.RegressionRequest
) -> regression_pb2.RegressionResult:
    """Regresses each example.

    Args:
        servable: a loaded version.
        request: its signature has the input `inputs`, serialized Examples, and the output
            `outputs`, float32 [n] or [n, 1].

    Returns:
        One `Regression` an example.

    Raises:
        StatusError: as `classify`.
    """
    return _regress(servable, _find_signature(servable, request.model_spec), request.input)


def multi_inference(
    servable: Servable, request: inference_pb2.MultiInferenceRequest
) -> list[inference_pb2.InferenceResult]:
    """Runs several signatures of one version on the same examples.

    Args:
        servable: a loaded version.
        request: tasks of one model, each with another signature.

    Returns:
        One result a task, without model specs.

    Raises:
        StatusError: UNIMPLEMENTED, a task is neither classification nor regression; otherwise
            as `classify`.
    """
    seen: set[str] = set()
    for task in request.tasks:
        spec = task.model_spec
        if not spec.name:
            raise invalid_argument("Found ModelSpec with an empty model name.")
        if spec.name != request.tasks[0].model_spec.name:
            raise invalid_argument(
                "All ModelSpecs in a MultiInferenceRequest must access the same model name."
            )
        name = _signature_name(spec)
        if name in seen:
            raise invalid_argument(f"Duplicate evaluation of signature: {name}")
        seen.add(name)
        if name not in servable.signatures:
            raise invalid_argument(f"Requested signature not found in model graph: {name}")
        if task.method_name not in _CHECKS:
            problem = f"Unsupported signature method_name: {task.method_name}"
            raise StatusError(grpc.StatusCode.UNIMPLEMENTED, problem)
        _CHECKS[task.method_name](servable.signatures[name])
    results = []
    for task in request.tasks:
        name, result = _signature_name(task.model_spec), inference_pb2.InferenceResult()
        if task.method_name == _CLASSIFY_METHOD:
            result.classification_result.CopyFrom(_classify(servable, name, request.input))
        else:
            result.regression_result.CopyFrom(_regress(servable, name, request.input))
        results.append(result)
    return results


def replay(servable: Servable, log: prediction_log_pb2.PredictionLog) -> None:
    """Answers a logged request again; an empty log is skipped.

    Raises:
        StatusError: UNIMPLEMENTED, this kind of log cannot be replayed; or the error of the
            request.
    """
    kind = log.WhichOneof("log_type")
    replays: dict[str, Callable[[], object]] = {
        "predict_log": lambda: servable.predict(
            log.predict_log.request.model_spec.signature_name,
            log.predict_log.request.inputs,
            log.predict_log.request.output_filter,
        ),
        "classify_log": lambda: classify(servable, log.classify_log.request),
        "regress_log": lambda: regress(servable, log.regress_log.request),
        "multi_inference_log": lambda: multi_inference(servable, log.multi_inference_log.request),
    }
    if kind is None:
        return
    if kind not in replays:
        problem = f"Unsupported log_type for warmup: {log.DESCRIPTOR.fields_by_name[kind].number}"
        raise StatusError(grpc.StatusCode.UNIMPLEMENTED, problem)
    replays[kind]()


def _signature_name(spec: model_pb2.ModelSpec) -> str:
    return spec.signature_name or tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY


def _find_signature(servable: Servable, spec: model_pb2.ModelSpec) -> str:
    name = _signature_name(spec)
    if name not in servable.signatures:
        raise invalid_argument(f"No signature was found with the name: {name}")
    return name


def _check_classification(signature: meta_graph_pb2.SignatureDef) -> None:
    if len(signature.inputs) != 1:
        raise invalid_argument("Expected one input Tensor.")
    count = len(signature.outputs)
    if count not in (1, 2):
        raise invalid_argument(f"Expected one or two output Tensors, found {count}")
    if _INPUTS not in signature.inputs:
        raise invalid_argument(f"No classification inputs found in SignatureDef: {signature}")
    if not {_CLASSES, _SCORES} & set(signature.outputs):
        raise invalid_argument(
            "Expected classification signature outputs to contain at least one of "
            f'"{_CLASSES}" or "{_SCORES}". Signature was: {signature}'
        )


def _check_regression(signature: meta_graph_pb2.SignatureDef) -> None:
    for found, what in ((signature.inputs, "input"), (signature.outputs, "output")):
        if len(found) != 1:
            raise invalid_argument(f"Expected one {what} Tensor.")
    for found, name in ((signature.inputs, _INPUTS), (signature.outputs, _OUTPUTS)):
        if name not in found:
            raise invalid_argument(f"No regression {name} found in SignatureDef: {signature}")


_CHECKS = {_CLASSIFY_METHOD: _check_classification, _REGRESS_METHOD: _check_regression}
"""Of a signature, by the method of a task."""


def _serialize_examples(examples: input_pb2.Input) -> list[bytes]:
    """The serialized examples, each merged with the context if there is one."""
    if examples.WhichOneof("kind") == "example_list_with_context":
        listed = examples.example_list_with_context
        # Concatenated messages merge when parsed.
        context = listed.context.SerializeToString()
        serialized = [context + example.SerializeToString() for example in listed.examples]
    else:
        serialized = [example.SerializeToString() for example in examples.example_list.examples]
    if not serialized:
        raise invalid_argument("Input is empty.")
    return serialized


def _run(servable: Servable, name: str, serialized: list[bytes]) -> dict[str, tf.Tensor]:
    expected = servable.signatures[name].inputs[_INPUTS].dtype
    if expected != types_pb2.DT_STRING:
        raise invalid_argument(f"Expects arg[0] to be {type_name(expected)} but string is provided")
    return servable.run(name, {_INPUTS: np.array(serialized, object)})


def _classify(
    servable: Servable, name: str, examples: input_pb2.Input
) -> classification_pb2.ClassificationResult:
    _check_classification(servable.signatures[name])
    serialized = _serialize_examples(examples)
    outputs = _run(servable, name, serialized)
    classes, scores = outputs.get(_CLASSES), outputs.get(_SCORES)
    if classes is not None:
        _check_classes(classes, _CLASSES, tf.string, len(serialized))
    if scores is not None:
        _check_classes(scores, _SCORES, tf.float32, len(serialized))
    if classes is not None and scores is not None and classes.shape[1] != scores.shape[1]:
        sizes = f"{classes.shape[1]} vs. {scores.shape[1]}"
        raise invalid_argument(f"Tensors class and score should match in dim_size(1). Got {sizes}")
    result = classification_pb2.ClassificationResult()
    shape = outputs[_SCORES if classes is None else _CLASSES].shape
    labels = np.full(shape, b"", object) if classes is None else classes.numpy()
    values = np.zeros(shape, np.float32) if scores is None else scores.numpy()
    for row_labels, row_values in zip(labels, values, strict=True):
        row = result.classifications.add()
        for label, value in zip(row_labels, row_values.tolist(), strict=True):
            # A label is text in the message, but may be any bytes in the tensor.
            row.classes.add(label=label.decode(errors="replace"), score=value)
    return result


def _check_classes(tensor: tf.Tensor, name: str, dtype: tf.DType, examples: int) -> None:
    problem = ""
    if tensor.shape.rank != 2:
        problem = f"Expected Tensor shape: [batch_size num_classes] but got {_shape(tensor)}"
    elif tensor.dtype != dtype:
        types = f"{_data_type(dtype)}. Got: {_data_type(tensor.dtype)}"
        problem = f"Expected {name} Tensor of {types}"
    elif tensor.shape[0] != examples:
        problem = f"Expected {name} output batch size of {examples}. Got: {tensor.shape[0]}"
    if problem:
        raise invalid_argument(problem)


def _regress(
    servable: Servable, name: str, examples: input_pb2.Input
) -> regression_pb2.RegressionResult:
    _check_regression(servable.signatures[name])
    serialized = _serialize_examples(examples)
    output = _run(servable, name, serialized)[_OUTPUTS]
    if output.shape.rank != 1 and not (output.shape.rank == 2 and output.shape[1] == 1):
        raise invalid_argument(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] "
            f"but got {_shape(output)}"
        )
    if output.shape[0] != len(serialized):
        sizes = f"{len(serialized)} vs. {output.shape[0]}"
        raise invalid_argument(f"Input batch size did not match output batch size: {sizes}")
    if output.dtype != tf.float32:
        got = _data_type(output.dtype)
        raise invalid_argument(f"Expected output Tensor of DT_FLOAT.  Got: {got}")
    result = regression_pb2.RegressionResult()
    for value in np.ravel(output.numpy()).tolist():
        result.regressions.add(value=value)
    return result


def _shape(tensor: tf.Tensor) -> str:
    """A shape as TensorFlow's C++ writes it: [3,2]."""
    return "[" + ",".join(map(str, tensor.shape)) + "]"


def _data_type(dtype: tf.DType) -> str:
    return types_pb2.DataType.Name(dtype.as_datatype_enum)
