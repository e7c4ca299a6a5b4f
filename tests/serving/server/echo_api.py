"""An API that tests hold in their hands."""

import threading

import grpc
from tensorflow_serving.apis import get_model_status_pb2, predict_pb2

from serving.server.errors import StatusError


class EchoApi:
    """Answers Predict with the request's own model spec, as soon as `gate` is open.

    The model `refused` is an error of the request, `broken` one of the server.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.entered: list[str] = []

    def predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        name = request.model_spec.name
        self.entered.append(name)
        assert self.gate.wait(60)
        if name == "refused":
            raise StatusError(grpc.StatusCode.NOT_FOUND, "no such model " + "x" * 5000)
        if name == "broken":
            raise RuntimeError("a secret of the server")
        response = predict_pb2.PredictResponse()
        response.model_spec.CopyFrom(request.model_spec)
        response.model_spec.version.value = 7
        return response

    def get_model_status(
        self, request: get_model_status_pb2.GetModelStatusRequest
    ) -> get_model_status_pb2.GetModelStatusResponse:
        return get_model_status_pb2.GetModelStatusResponse()
