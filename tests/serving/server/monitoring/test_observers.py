import grpc
import pytest
from tensorflow_serving.apis import (
    inference_pb2,
    model_management_pb2,
    predict_pb2,
)

from serving.server.monitoring.observers import Outcome


def predict(kind, version=None):
    message = kind()
    message.model_spec.name = "m"
    if version is not None:
        message.model_spec.version.value = version
    return message


def multi_inference():
    request = inference_pb2.MultiInferenceRequest()
    request.tasks.add().model_spec.name = "m"
    response = inference_pb2.MultiInferenceResponse()
    response.results.add().model_spec.version.value = 3
    return request, response


@pytest.mark.parametrize(
    ("request_message", "response", "model", "version"),
    [
        pytest.param(None, None, "", None, id="not read"),
        pytest.param(predict(predict_pb2.PredictRequest), None, "m", None, id="latest, failed"),
        pytest.param(predict(predict_pb2.PredictRequest, 2), None, "m", 2, id="requested, failed"),
        pytest.param(
            predict(predict_pb2.PredictRequest),
            predict(predict_pb2.PredictResponse, 3),
            "m",
            3,
            id="answered",
        ),
        pytest.param(*multi_inference(), "m", 3, id="MultiInference"),
        pytest.param(
            inference_pb2.MultiInferenceRequest(), None, "", None, id="MultiInference, no task"
        ),
        pytest.param(
            model_management_pb2.ReloadConfigRequest(), None, "", None, id="of no one model"
        ),
    ],
)
def test_model_and_version_are_read_from_the_messages(request_message, response, model, version):
    outcome = Outcome("grpc", "X", "id", grpc.StatusCode.OK, "", 0.0, request_message, response)
    assert (outcome.model, outcome.version) == (model, version)
