"""Request messages from the bodies of REST requests.

Messages are TensorFlow Serving's (`json_tensor.cc`), its spelling included.
"""

import contextlib
import enum
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import classification_pb2, predict_pb2, regression_pb2

from serving.server.errors import StatusError, invalid_argument
from serving.server.rest_api import json_documents, json_examples, json_tensors, long_lists
from serving.server.rest_api.long_lists import LongList

Inputs = Mapping[str, meta_graph_pb2.TensorInfo]
Tensors = dict[str, tuple[npt.NDArray, tuple[int, ...]]]
"""Values and shape of each input, as of `json_tensors.parse`."""

_LONG_BYTES = 2**14  # a shorter body takes no time anyway


class RequestFormat(enum.Enum):
    """The format of a Predict request and its answer; names are TensorFlow Serving's."""

    ROW = "instances"
    COLUMNAR = "inputs"


def fill_predict(
    body: bytes | bytearray,
    request: predict_pb2.PredictRequest,
    inputs_of: Callable[[str], Inputs],
) -> RequestFormat:
    """Fills signature and inputs of a request.

    Args:
        body: `{"instances": [...]}` or `{"inputs": ...}`, and perhaps `"signature_name"`. A long
            bytearray is emptied once it is read, to free its memory.
        request: to be filled.
        inputs_of: returns the inputs of a signature; the empty name is the default one's.

    Returns:
        The format of the request.

    Raises:
        StatusError: INVALID_ARGUMENT, the body does not fit the signature; or the error of
            `inputs_of`.
    """
    if len(body) > _LONG_BYTES:
        with contextlib.suppress(StatusError):  # as a whole it is right, or its error is exact
            return _fill_predict(long_lists.split(body), body, request, inputs_of)
    return _fill_predict(json_documents.parse(body), body, request, inputs_of)


def _fill_predict(
    document: dict[str, Any],
    body: bytes | bytearray,
    request: predict_pb2.PredictRequest,
    inputs_of: Callable[[str], Inputs],
) -> RequestFormat:
    _fill_signature(document, request)
    name = request.model_spec.signature_name
    inputs = inputs_of(name)
    if not inputs:
        raise invalid_argument(f"Failed to get input map for signature: {name or 'DEFAULT'}")
    if "instances" in document and "inputs" in document:
        problem = "expecting only one of 'inputs' or 'instances' keys to exist "
        raise _format_error(document, f"Not formatted correctly {problem}")
    if "instances" in document:
        instances = document["instances"]
        if not isinstance(instances, list | LongList):
            raise _format_error(document, "Expecting 'instances' to be an list/array")
        if instances == []:
            raise _format_error(document, "No values in 'instances' array")
        request_format, tensors = RequestFormat.ROW, _rows(instances, inputs)
    elif "inputs" in document:
        request_format, tensors = RequestFormat.COLUMNAR, _columns(document["inputs"], inputs)
    else:
        raise invalid_argument("Missing 'inputs' or 'instances' key")
    if isinstance(body, bytearray):
        body.clear()
    while tensors:
        name, (values, shape) = tensors.popitem()
        json_tensors.fill_proto(request.inputs[name], values, shape, inputs[name].dtype)
    return request_format


def fill_examples(
    body: bytes | bytearray,
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
        problem = "When method is classify, key 'examples' is expected and was not found"
        raise _format_error(document, problem)
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
        problem = "not formatted correctly. 'signature_name' key must be a string value."
        raise _format_error(document, problem)
    request.model_spec.signature_name = name


def _rows(instances: list[Any] | LongList, inputs: Inputs) -> Tensors:
    parts = instances if isinstance(instances, LongList) else [instances]
    first, names = next(iter(parts))[0], sorted(inputs)
    if not isinstance(first, dict) and len(names) > 1:
        raise invalid_argument(
            "instances is a plain list, but expecting list of objects as multiple "
            "input tensors required as per tensorinfo_map"
        )
    if isinstance(parts, LongList) and not _is_object(first):
        return {names[0]: json_tensors.parse(parts, inputs[names[0]].dtype)}
    gathered = _Rows(inputs, named=_is_object(first))
    for rows in parts:
        gathered.add(rows)
    return gathered.tensors()


class _Rows:
    """Instances of a request, gathered by input."""

    def __init__(self, inputs: Inputs, named: bool) -> None:
        self._inputs = inputs
        self._named = named
        self._parts: dict[str, list[npt.NDArray]] = {name: [] for name in sorted(inputs)}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._count = 0

    def tensors(self) -> Tensors:
        """All that was added."""
        return {
            name: (np.concatenate(parts), (self._count, *self._shapes[name]))
            for name, parts in self._parts.items()
        }

    def add(self, rows: list[Any]) -> None:
        """Adds instances at once; halves them to find the one that is wrong."""
        try:
            columns = self._columns(rows)
        except StatusError:
            if len(rows) == 1:
                raise
            half = len(rows) // 2
            self.add(rows[:half])
            self.add(rows[half:])
            return
        for name, (values, shape) in columns.items():
            self._parts[name].append(values)
            self._shapes[name] = shape
        self._count += len(rows)

    def _columns(self, rows: list[Any]) -> Tensors:
        """The values of each input and their shape in one row; errors are exact for one row."""
        first, index = rows[0], self._count
        if _is_object(first) != self._named:
            found = "object but got list" if self._named else "value/list but got object"
            raise invalid_argument(f"Expecting {found} at item {index} of input list")
        cells = {next(iter(self._parts)): rows}
        if self._named:
            if any(type(row) is not dict or row.keys() != first.keys() for row in rows):
                raise invalid_argument("The rows differ in their keys")
            cells = {name: [row[name] for row in rows] for name in first}
        columns = {}
        for name, values in cells.items():
            try:
                columns[name] = self._column(name, values)
            except StatusError as error:
                where = f"{index} key: {name}" if self._named else index
                raise invalid_argument(
                    f"Failed to process element: {where} of 'instances' list. "
                    f"Error: {error.code.name}: {error.message}"
                ) from error
        if len(columns) != len(self._parts):
            raise invalid_argument(
                f"Failed to process element: {index} of 'instances' list. "
                f"JSON object: {json_documents.quote(first)} "
                f"keys must be equal to: {','.join(self._parts)}"
            )
        return columns

    def _column(self, name: str, rows: list[Any]) -> tuple[npt.NDArray, tuple[int, ...]]:
        if name not in self._inputs:
            raise invalid_argument(f"JSON object: does not have named input: {name}")
        single = len(rows) == 1
        values, shape = json_tensors.parse(rows[0] if single else rows, self._inputs[name].dtype)
        shape = shape if single else shape[1:]
        expected = self._shapes.get(name, shape)
        size, got = math.prod(expected), len(values) // len(rows)
        if got != size:
            raise invalid_argument(f"Expecting tensor size: {size} but got: {got}")
        if shape != expected:
            raise invalid_argument(f"Expecting shape {_text(expected)} but got: {_text(shape)}")
        return values, shape


def _columns(value: Any, inputs: Inputs) -> Tensors:
    if _is_object(value):
        missing = sorted(set(inputs) - set(value))
        if missing:
            raise invalid_argument(f"Missing named input: {missing[0]} in 'inputs' object.")
        columns = value
    elif len(inputs) > 1:
        raise invalid_argument(
            "inputs is a plain value/list, but expecting an object as multiple "
            "input tensors required as per tensorinfo_map"
        )
    else:
        columns = dict.fromkeys(inputs, value)
    return {name: json_tensors.parse(columns[name], inputs[name].dtype) for name in inputs}


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not json_tensors.is_base64(value)


def _text(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _format_error(document: dict[str, Any], problem: str) -> StatusError:
    return invalid_argument(f"JSON Value: {json_documents.quote(document)} {problem}")
