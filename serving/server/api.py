"""TensorFlow Serving's two services without a transport: messages in, messages out.

gRPC and REST are two translations of this. Codes and messages are TensorFlow Serving's own
(`predict_util.cc`, `get_model_metadata_impl.cc`, `get_model_status_impl.cc`, `server_core.cc`).
"""

from typing import Any

import grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    predict_pb2,
)

from serving.server.errors import StatusError, invalid_argument
from serving.server.manager import Manager
from serving.server.servable import Servable

_SIGNATURE_DEF = "signature_def"
_DEFAULT_SIGNATURE = "serving_default"


class Api:
    """Answers requests about the models of a manager; safe to use from many threads.

    Every method takes the request message of TensorFlow Serving's method of the same name,
    returns its response, and raises `StatusError` with its code and message.

    Args:
        manager: holds the models.
    """

    def __init__(self, manager: Manager[Servable]) -> None:
        self._manager = manager

    def predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        """Runs a signature of a model."""
        spec = _model_spec(request)
        name, number = _servable(spec)
        response = predict_pb2.PredictResponse()
        with self._manager.use(name, number) as (version, servable):
            outputs = servable.predict(spec.signature_name, request.inputs, request.output_filter)
        for alias, value in outputs.items():
            response.outputs[alias].CopyFrom(value)
        response.model_spec.name = name
        response.model_spec.version.value = version
        response.model_spec.signature_name = spec.signature_name or _DEFAULT_SIGNATURE
        return response

    def get_model_metadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Describes the signatures of a model."""
        spec = _model_spec(request)
        if not request.metadata_field:
            raise invalid_argument(
                "GetModelMetadataRequest must specify at least one metadata_field"
            )
        for field in request.metadata_field:
            if field != _SIGNATURE_DEF:
                raise invalid_argument(f"Metadata field {field} is not supported")
        name, number = _servable(spec)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        with self._manager.use(name, number) as (version, servable):
            for key, signature in servable.signatures.items():
                signatures.signature_def[key].CopyFrom(signature)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = name
        response.model_spec.version.value = version
        response.metadata[_SIGNATURE_DEF].Pack(signatures)
        return response

    def get_model_status(
        self, request: get_model_status_pb2.GetModelStatusRequest
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Tells the state of one version of a model, or of all, the largest first."""
        spec = _model_spec(request)
        name, number = _servable(spec)
        statuses = self._manager.statuses(name)
        if number is not None:
            statuses = {key: status for key, status in statuses.items() if key == number}
        if not statuses:
            asked = "any versions" if number is None else f"version {number}"
            raise StatusError(grpc.StatusCode.NOT_FOUND, f"Could not find {asked} of model {name}")
        response = get_model_status_pb2.GetModelStatusResponse()
        for version, status in statuses.items():
            answer = response.model_version_status.add(version=version, state=int(status.state))
            answer.status.SetInParent()
            if status.error:
                answer.status.error_code = status.error.code.value[0]
                answer.status.error_message = status.error.message
        return response


def _model_spec(request: Any) -> model_pb2.ModelSpec:
    if not request.HasField("model_spec"):
        raise invalid_argument("Missing ModelSpec")
    return request.model_spec


def _servable(spec: model_pb2.ModelSpec) -> tuple[str, int | None]:
    """Name and version that a request asks for; None for the latest."""
    if not spec.name:
        raise invalid_argument("ModelSpec has no name specified.")
    if spec.WhichOneof("version_choice") == "version_label":
        # No labels are assigned yet, so every label is unknown.
        raise invalid_argument(f"Unrecognized servable version label: {spec.version_label}")
    return spec.name, spec.version.value if spec.HasField("version") else None
