"""Answers REST requests: only translates between JSON and `serving.server.api`."""

from typing import Any, Protocol

from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.server import rest_requests, rest_responses
from serving.server.errors import invalid_argument
from serving.server.rest_paths import Route

_DEFAULT_SIGNATURE = "serving_default"


class ModelApi(Protocol):
    """What is asked of `serving.server.api.Api`; every method may raise `StatusError`."""

    def predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        """Runs a signature."""

    def classify(
        self, request: classification_pb2.ClassificationRequest
    ) -> classification_pb2.ClassificationResponse:
        """Runs a classification signature."""

    def regress(
        self, request: regression_pb2.RegressionRequest
    ) -> regression_pb2.RegressionResponse:
        """Runs a regression signature."""

    def get_model_metadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Describes the signatures."""

    def get_model_status(
        self, request: get_model_status_pb2.GetModelStatusRequest
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Tells the states of versions."""


class RestHandler:
    """TensorFlow Serving's REST API without HTTP; safe to use from many threads.

    Args:
        api: answers the requests.
    """

    def __init__(self, api: ModelApi) -> None:
        self._api = api

    def answer(self, route: Route, body: bytes) -> tuple[bytes, int | None]:
        """Answers a request.

        Args:
            route: what is asked for.
            body: of the request; unused by `metadata` and `status`.

        Returns:
            The body of the answer, and the number of examples where the request had some.

        Raises:
            StatusError: the request is wrong, or cannot be answered now.
        """
        if route.method == "predict":
            return self._predict(route, body), None
        if route.method == "classify":
            classify = _addressed(classification_pb2.ClassificationRequest(), route)
            examples = rest_requests.fill_examples(body, classify)
            classified = self._api.classify(classify)
            return rest_responses.from_classifications(classified.result), examples
        if route.method == "regress":
            regress = _addressed(regression_pb2.RegressionRequest(), route)
            examples = rest_requests.fill_examples(body, regress)
            regressed = self._api.regress(regress)
            return rest_responses.from_regressions(regressed.result), examples
        if route.method == "metadata":
            return rest_responses.from_metadata(self._metadata(route)), None
        status = _addressed(get_model_status_pb2.GetModelStatusRequest(), route)
        return rest_responses.from_status(self._api.get_model_status(status)), None

    def _predict(self, route: Route, body: bytes) -> bytes:
        request = _addressed(predict_pb2.PredictRequest(), route)

        def inputs_of(name: str) -> rest_requests.Inputs:
            signatures = get_model_metadata_pb2.SignatureDefMap()
            self._metadata(route).metadata["signature_def"].Unpack(signatures)
            key = name or _DEFAULT_SIGNATURE
            if key not in signatures.signature_def:
                raise invalid_argument(
                    f'Serving signature name: "{key}" not found in signature def'
                )
            signature: meta_graph_pb2.SignatureDef = signatures.signature_def[key]
            return dict(signature.inputs)

        form = rest_requests.fill_predict(body, request, inputs_of)
        return rest_responses.from_outputs(self._api.predict(request).outputs, form)

    def _metadata(self, route: Route) -> get_model_metadata_pb2.GetModelMetadataResponse:
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        return self._api.get_model_metadata(_addressed(request, route))


def _addressed(request: Any, route: Route) -> Any:
    """The request, with the model that it is for."""
    request.model_spec.name = route.model
    if route.version is not None:
        request.model_spec.version.value = route.version
    if route.label is not None:
        request.model_spec.version_label = route.label
    return request
