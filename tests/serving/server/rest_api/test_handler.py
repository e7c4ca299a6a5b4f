import copy

import pytest
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.server.rest_api.handler import message_of
from serving.server.rest_api.model_path import ModelPath


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("predict", predict_pb2.PredictRequest()),
        ("classify", classification_pb2.ClassificationRequest()),
        ("regress", regression_pb2.RegressionRequest()),
        (
            "metadata",
            get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"]),
        ),
        ("status", get_model_status_pb2.GetModelStatusRequest()),
    ],
)
@pytest.mark.parametrize(("version", "label"), [(None, None), (3, None), (None, "stable")])
def test_the_message_of_a_path(method, message, version, label):
    expected = copy.deepcopy(message)
    expected.model_spec.name = "m"
    if version is not None:
        expected.model_spec.version.value = version
    if label is not None:
        expected.model_spec.version_label = label
    assert message_of(ModelPath("m", version, label, method)) == expected
