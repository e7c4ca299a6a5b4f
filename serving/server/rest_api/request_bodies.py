"""Request messages from the bodies of REST requests.

Messages are TensorFlow Serving's (`json_tensor.cc`), its spelling included.
"""

import enum
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import classification_pb2, predict_pb2, regression_pb2

from serving.server.errors import StatusError, invalid_argument
from serving.server.rest_api import json_documents, json_examples, json_tensors

Inputs = Mapping[str, meta_graph_pb2.TensorInfo]


class RequestFormat(enum.Enum):
    """The format of a Predict request and its answer; names are TensorFlow Serving's."""

    ROW = "instances"
    COLUMNAR = "inputs"


def fill_predict(
    body: bytes, request: predict_pb2.PredictRequest, inputs_of: Callable[[str], Inputs]
) -> RequestFormat:
    """Fills signature and inputs of a request.

    Args:
        body: `{"instances": [...]}` or `{"inputs": ...}`, and perhaps `"signature_name"`.
        request: to be filled.
        inputs_of: returns the inputs of a signature; the empty name is the default one's.

    Returns:
        The format of the request.

    Raises:
        StatusError: INVALID_ARGUMENT, the body does not fit the signature; or the error of
            `inputs_of`.
    """
    document = json_documents.parse(body)
    _fill_signature(document, request)
    name = request.model_spec.signature_name
    inputs = inputs_of(name)
    if not inputs:
        raise invalid_argument(f"Failed to get input map for signature: {name or 'DEFAULT'}")
    if "instances" in document and "inputs" in document:
        raise _format_error(
            document,
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ",
        )
    if "instances" in document:
        instances = document["instances"]
        if not isinstance(instances, list):
            raise _format_error(document, "Excepting 'instances' to be an list/array")
        if not instances:
            raise _format_error(document, "No values in 'instances' array")
        _fill_rows(instances, inputs, request)
        return RequestFormat.ROW
    if "inputs" in document:
        _fill_columns(document["inputs"], inputs, request)
        return RequestFormat.COLUMNAR
    raise invalid_argument("Missing 'inputs' or 'instances' key")


def fill_examples(
    body: bytes,
    request: classification_pb2.ClassificationRequest | regression_pb2.RegressionRequest,
) -> int:
    """Fills signature and input of a Classify or Regress request.

    Args:
        body: `{"examples": [...]}`, and perhaps `"context"` and `"signature_name"`.
        request: to be filled.

    Returns:
        The number of examples.

    Raises:
        StatusError: INVALID_ARGUMENT, the body has another format.
    """
    document = json_documents.parse(body)
    _fill_signature(document, request)
    example_list = request.input.example_list
    if "context" in document:
        example_list = request.input.example_list_with_context
        example_list.context.CopyFrom(json_examples.parse(document["context"]))
    if "examples" not in document:
        raise _format_error(
            document,
            "When method is classify, key 'examples' is expected and was not found",
        )
    examples = document["examples"]
    if not isinstance(examples, list):
        raise _format_error(document, "Expecting 'examples' value to be an list/array")
    if not examples:
        raise _format_error(document, "'examples' value is an empty array")
    example_list.examples.extend(json_examples.parse(example) for example in examples)
    return len(examples)


def _fill_signature(document: dict[str, Any], request: Any) -> None:
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise _format_error(
            document, "not formatted correctly. 'signature_name' key must be a string value."
        )
    request.model_spec.signature_name = name


def _fill_rows(instances: list[Any], inputs: Inputs, request: predict_pb2.PredictRequest) -> None:
    names = sorted(inputs)
    if not isinstance(instances[0], dict) and len(names) > 1:
        raise invalid_argument(
            "instances is a plain list, but expecting list of objects as multiple "
            "input tensors required as per tensorinfo_map"
        )
    named = _is_object(instances[0])
    rows: dict[str, list[npt.NDArray]] = {name: [] for name in names}
    shapes: dict[str, tuple[int, ...]] = {}
    for index, instance in enumerate(instances):
        where = f"Failed to process element: {index}"
        if not named:
            if _is_object(instance):
                raise invalid_argument(
                    f"Expecting value/list but got object at item {index} of input list"
                )
            _add(names[0], instance, inputs, rows, shapes, where)
            continue
        if not _is_object(instance):
            raise invalid_argument(f"Expecting object but got list at item {index} of input list")
        for name, value in instance.items():
            _add(name, value, inputs, rows, shapes, f"{where} key: {name}")
        if len(instance) != len(names):
            raise invalid_argument(
                f"{where} of 'instances' list. JSON object: {json_documents.quote(instance)} "
                f"keys must be equal to: {','.join(names)}"
            )
    for name, shape in shapes.items():
        tensor = json_tensors.to_proto(
            np.concatenate(rows[name]), (len(instances), *shape), inputs[name].dtype
        )
        request.inputs[name].CopyFrom(tensor)


def _add(
    name: str,
    value: Any,
    inputs: Inputs,
    rows: dict[str, list[npt.NDArray]],
    shapes: dict[str, tuple[int, ...]],
    where: str,
) -> None:
    """Adds one instance's value of an input."""
    try:
        if name not in inputs:
            raise invalid_argument(f"JSON object: does not have named input: {name}")
        values, shape = json_tensors.parse(value, inputs[name].dtype)
        expected = shapes.setdefault(name, shape)
        if rows[name] and len(values) != len(rows[name][0]):
            raise invalid_argument(
                f"Expecting tensor size: {len(rows[name][0])} but got: {len(values)}"
            )
        if shape != expected:
            raise invalid_argument(f"Expecting shape {_text(expected)} but got: {_text(shape)}")
    except StatusError as error:
        raise invalid_argument(
            f"{where} of 'instances' list. Error: {error.code.name}: {error.message}"
        ) from error
    rows[name].append(values)


def _fill_columns(value: Any, inputs: Inputs, request: predict_pb2.PredictRequest) -> None:
    if _is_object(value):
        for name in sorted(inputs):
            if name not in value:
                raise invalid_argument(f"Missing named input: {name} in 'inputs' object.")
        columns = {name: value[name] for name in inputs}
    elif len(inputs) > 1:
        raise invalid_argument(
            "inputs is a plain value/list, but expecting an object as multiple "
            "input tensors required as per tensorinfo_map"
        )
    else:
        columns = dict.fromkeys(inputs, value)
    for name, column in columns.items():
        dtype = inputs[name].dtype
        request.inputs[name].CopyFrom(
            json_tensors.to_proto(*json_tensors.parse(column, dtype), dtype)
        )


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not json_tensors.is_base64(value)


def _text(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _format_error(document: dict[str, Any], problem: str) -> StatusError:
    return invalid_argument(f"JSON Value: {json_documents.quote(document)} {problem}")
