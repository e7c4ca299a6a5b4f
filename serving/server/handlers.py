"""Answers gRPC requests: only translates between the protocol and `serving.server.api`."""

from collections.abc import Callable
from typing import TypeVar

import grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from serving.server.api import Api
from serving.server.errors import StatusError

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


def _answer(
    method: Callable[[RequestT], ResponseT], request: RequestT, context: grpc.ServicerContext
) -> ResponseT:
    """What a method answers, or its error as the status of the call."""
    try:
        return method(request)
    except StatusError as error:
        context.abort(error.code, error.message)
        raise  # never reached: abort raises


class PredictionHandler(prediction_service_pb2_grpc.PredictionServiceServicer):
    """`tensorflow.serving.PredictionService`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        """See `Api.predict`."""
        return _answer(self._api.predict, request, context)

    def Classify(
        self, request: classification_pb2.ClassificationRequest, context: grpc.ServicerContext
    ) -> classification_pb2.ClassificationResponse:
        """See `Api.classify`."""
        return _answer(self._api.classify, request, context)

    def Regress(
        self, request: regression_pb2.RegressionRequest, context: grpc.ServicerContext
    ) -> regression_pb2.RegressionResponse:
        """See `Api.regress`."""
        return _answer(self._api.regress, request, context)

    def MultiInference(
        self, request: inference_pb2.MultiInferenceRequest, context: grpc.ServicerContext
    ) -> inference_pb2.MultiInferenceResponse:
        """See `Api.multi_inference`."""
        return _answer(self._api.multi_inference, request, context)

    def GetModelMetadata(
        self,
        request: get_model_metadata_pb2.GetModelMetadataRequest,
        context: grpc.ServicerContext,
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """See `Api.get_model_metadata`."""
        return _answer(self._api.get_model_metadata, request, context)


class ModelHandler(model_service_pb2_grpc.ModelServiceServicer):
    """`tensorflow.serving.ModelService`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def GetModelStatus(
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """See `Api.get_model_status`."""
        return _answer(self._api.get_model_status, request, context)

    def HandleReloadConfigRequest(
        self,
        request: model_management_pb2.ReloadConfigRequest,
        context: grpc.ServicerContext,
    ) -> model_management_pb2.ReloadConfigResponse:
        """See `Api.handle_reload_config_request`."""
        return _answer(self._api.handle_reload_config_request, request, context)
