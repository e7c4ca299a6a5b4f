"""Answers REST requests: translates between JSON and the messages of `serving.server.api`."""

import dataclasses
from typing import Any

from tensorflow.core.protobuf import meta_graph_pb2
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


@dataclasses.dataclass(frozen=True)
class Answer:
    """The answer to a request.

    Attributes:
        content: the body.
        request: the request's message.
        response: the response's message.
    """

    content: bytes
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
    request = message_of(path)
    response: Any
    if isinstance(request, predict_pb2.PredictRequest):
        return _predict(api, request, path, body)
    if isinstance(request, classification_pb2.ClassificationRequest):
        request_bodies.fill_examples(body, request)
        response = api.classify(request)
        content = response_bodies.from_classifications(response.result)
    elif isinstance(request, regression_pb2.RegressionRequest):
        request_bodies.fill_examples(body, request)
        response = api.regress(request)
        content = response_bodies.from_regressions(response.result)
    elif isinstance(request, get_model_metadata_pb2.GetModelMetadataRequest):
        response = api.get_model_metadata(request)
        content = response_bodies.from_metadata(response)
    else:
        response = api.get_model_status(request)
        content = response_bodies.from_status(response)
    return Answer(content, request, response)


def _predict(
    api: Api, request: predict_pb2.PredictRequest, path: ModelPath, body: bytearray
) -> Answer:
    def inputs_of(name: str) -> request_bodies.Inputs:
        signatures = get_model_metadata_pb2.SignatureDefMap()
        metadata = message_of(dataclasses.replace(path, method="metadata"))
        described = api.get_model_metadata(metadata)
        described.metadata["signature_def"].Unpack(signatures)
        key = name or _DEFAULT_SIGNATURE
        if key not in signatures.signature_def:
            raise invalid_argument(f'Serving signature name: "{key}" not found in signature def')
        signature: meta_graph_pb2.SignatureDef = signatures.signature_def[key]
        return dict(signature.inputs)

    request_format = request_bodies.fill_predict(body, request, inputs_of)
    response = api.predict(request)
    content = response_bodies.from_outputs(response.outputs, request_format)
    return Answer(content, request, response)


def message_of(path: ModelPath) -> Any:
    """The request message of a path: only the model is filled in.

    Example:
        >>> message_of(ModelPath("xception", 3, None, "predict")).model_spec.version.value
        3
    """
    request: Any = {
        "predict": predict_pb2.PredictRequest,
        "classify": classification_pb2.ClassificationRequest,
        "regress": regression_pb2.RegressionRequest,
        "metadata": get_model_metadata_pb2.GetModelMetadataRequest,
        "status": get_model_status_pb2.GetModelStatusRequest,
    }[path.method]()
    if path.method == "metadata":
        request.metadata_field.append("signature_def")
    request.model_spec.name = path.model
    if path.version is not None:
        request.model_spec.version.value = path.version
    if path.label is not None:
        request.model_spec.version_label = path.label
    return request
