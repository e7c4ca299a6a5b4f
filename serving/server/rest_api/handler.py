"""Answers REST requests: translates between JSON and the messages of `serving.server.api`."""

import dataclasses
import functools
from typing import Any, NamedTuple

from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.server.api import Api
from serving.server.errors import invalid_argument
from serving.server.rest_api import request_bodies, response_bodies
from serving.server.rest_api.model_path import ModelPath

_DEFAULT_SIGNATURE = "serving_default"

_REQUESTS = {
    "predict": predict_pb2.PredictRequest,
    "classify": classification_pb2.ClassificationRequest,
    "regress": regression_pb2.RegressionRequest,
    "metadata": get_model_metadata_pb2.GetModelMetadataRequest,
    "status": get_model_status_pb2.GetModelStatusRequest,
}


class Answer(NamedTuple):
    """The body of an answer, and the messages of its request and response."""

    content: bytes | bytearray
    request: Any
    response: Any


def answer(api: Api, path: ModelPath, body: bytearray) -> Answer:
    """Answers a request of TensorFlow Serving's REST API, without HTTP.

    Args:
        api: answers its message.
        path: of the request.
        body: of the request, which may be emptied; unused by `metadata` and `status`.

    Raises:
        StatusError: the request is wrong, or cannot be answered now.
    """
    request: Any = message_of(path)
    response: Any
    if path.method == "predict":
        inputs_of = functools.partial(_inputs, api, path)
        request_format = request_bodies.fill_predict(body, request, inputs_of)
        response = api.predict(request)
        content = response_bodies.from_outputs(response.outputs, request_format)
    elif path.method == "classify":
        request_bodies.fill_examples(body, request)
        response = api.classify(request)
        content = response_bodies.from_classifications(response.result)
    elif path.method == "regress":
        request_bodies.fill_examples(body, request)
        response = api.regress(request)
        content = response_bodies.from_regressions(response.result)
    elif path.method == "metadata":
        response = api.get_model_metadata(request)
        content = response_bodies.from_metadata(response)
    else:
        response = api.get_model_status(request)
        content = response_bodies.from_status(response)
    return Answer(content, request, response)


def message_of(path: ModelPath) -> Any:
    """The request message of a path: only the model is filled in.

    Example:
        >>> message_of(ModelPath("xception", 3, None, "predict")).model_spec.version.value
        3
    """
    request: Any = _REQUESTS[path.method]()
    if path.method == "metadata":
        request.metadata_field.append("signature_def")
    request.model_spec.name = path.model
    if path.version is not None:
        request.model_spec.version.value = path.version
    if path.label is not None:
        request.model_spec.version_label = path.label
    return request


def _inputs(api: Api, path: ModelPath, name: str) -> request_bodies.Inputs:
    """The inputs of a signature; the empty name is the default one's."""
    signatures = get_model_metadata_pb2.SignatureDefMap()
    described = api.get_model_metadata(message_of(dataclasses.replace(path, method="metadata")))
    described.metadata["signature_def"].Unpack(signatures)
    key = name or _DEFAULT_SIGNATURE
    if key not in signatures.signature_def:
        raise invalid_argument(f'Serving signature name: "{key}" not found in signature def')
    return dict(signatures.signature_def[key].inputs)
