"""TensorFlow Serving's two services without a transport: messages in, messages out.

gRPC and REST translate to this. Codes and messages are TensorFlow Serving's own
(`predict_impl.cc`, `classification_service.cc`, `regression_service.cc`,
`multi_inference_helper.cc`, `get_model_metadata_impl.cc`, `get_model_status_impl.cc`,
`model_service_impl.cc`).
"""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.server.core.server_core import ServerCore
from serving.server.errors import StatusError, invalid_argument
from serving.server.monitoring import Metrics
from serving.server.servables import Servable, inference

_SIGNATURE_DEF = "signature_def"
_DEFAULT_SIGNATURE = "serving_default"


class Api:
    """Answers requests about the models that are served; safe to use from many threads.

    Every method takes the request message of TensorFlow Serving's method of the same name,
    returns its response, and raises `StatusError` with its code and message.

    Args:
        core: holds the models.
        metrics: count how long models compute.
    """

    def __init__(self, core: ServerCore, metrics: Metrics | None = None) -> None:
        self._core = core
        self._metrics = metrics
        self._manager = core.manager

    def predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        """Runs a signature of a model."""
        response = predict_pb2.PredictResponse()
        with self._running("Predict", request, response) as servable:
            outputs = servable.predict(
                request.model_spec.signature_name, request.inputs, request.output_filter
            )
        for alias, value in outputs.items():
            response.outputs[alias].CopyFrom(value)
        return response

    def classify(
        self, request: classification_pb2.ClassificationRequest
    ) -> classification_pb2.ClassificationResponse:
        """Classifies examples by a signature of a model; see `inference.classify`."""
        response = classification_pb2.ClassificationResponse()
        with self._running("Classify", request, response) as servable:
            response.result.CopyFrom(inference.classify(servable, request))
        return response

    def regress(
        self, request: regression_pb2.RegressionRequest
    ) -> regression_pb2.RegressionResponse:
        """Regresses examples by a signature of a model; see `inference.regress`."""
        response = regression_pb2.RegressionResponse()
        with self._running("Regress", request, response) as servable:
            response.result.CopyFrom(inference.regress(servable, request))
        return response

    def multi_inference(
        self, request: inference_pb2.MultiInferenceRequest
    ) -> inference_pb2.MultiInferenceResponse:
        """Runs several signatures of a model on the same examples.

        The model spec of the first task selects the version; see `inference.multi_inference`.
        """
        first = request.tasks[0].model_spec if request.tasks else model_pb2.ModelSpec()
        response = inference_pb2.MultiInferenceResponse()
        with self._manager.use(*self._core.resolve(first)) as (version, servable):
            response.results.extend(inference.multi_inference(servable, request))
        for task, result in zip(request.tasks, response.results, strict=True):
            _answer_model_spec(result.model_spec, task.model_spec, version)
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
        name, number = self._core.resolve(spec)
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
        """Returns the state of one version of a model, or of all, the largest first.

        As in TensorFlow Serving a label chooses no version here.
        """
        spec = _model_spec(request)
        name, number = spec.name, spec.version.value if spec.HasField("version") else None
        statuses = self._manager.statuses(name)
        if number is not None:
            statuses = {key: status for key, status in statuses.items() if key == number}
        if not statuses:
            wanted = "any versions" if number is None else f"version {number}"
            raise StatusError(grpc.StatusCode.NOT_FOUND, f"Could not find {wanted} of model {name}")
        response = get_model_status_pb2.GetModelStatusResponse()
        for version, status in statuses.items():
            described = response.model_version_status.add(version=version, state=int(status.state))
            described.status.SetInParent()
            if status.error:
                described.status.error_code = status.error.code.value[0]
                described.status.error_message = status.error.message
        return response

    def handle_reload_config_request(
        self, request: model_management_pb2.ReloadConfigRequest
    ) -> model_management_pb2.ReloadConfigResponse:
        """Serves only the models of a config from now on.

        Answers once the changed models are available; see
        `ServerCore.reload_config`.
        """
        if request.config.WhichOneof("config") != "model_config_list":
            raise invalid_argument(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. "
                "Only ModelConfigList is currently supported"
            )
        self._core.reload_config(request.config)
        response = model_management_pb2.ReloadConfigResponse()
        response.status.SetInParent()  # no error code means OK
        return response

    @contextlib.contextmanager
    def _running(self, method: str, request: Any, response: Any) -> Iterator[Servable]:
        """Holds the requested version, times its computation, and names it in the response."""
        spec = _model_spec(request)
        with self._manager.use(*self._core.resolve(spec)) as (version, servable):
            started = time.perf_counter()
            yield servable
            if self._metrics is not None:
                self._metrics.observe_runtime(method, spec.name, time.perf_counter() - started)
        _answer_model_spec(response.model_spec, spec, version)


def _model_spec(request: Any) -> model_pb2.ModelSpec:
    if not request.HasField("model_spec"):
        raise invalid_argument("Missing ModelSpec")
    return request.model_spec


def _answer_model_spec(
    answer: model_pb2.ModelSpec, requested: model_pb2.ModelSpec, version: int
) -> None:
    """Fills in which model, version and signature answered."""
    answer.name = requested.name
    answer.version.value = version
    answer.signature_name = requested.signature_name or _DEFAULT_SIGNATURE
