"""Paths of requests, as in TensorFlow Serving's http_rest_api_util_test.cc."""

import pytest

from serving.server.errors import StatusError
from serving.server.rest_api import model_path
from serving.server.rest_api.model_path import ModelPath

PARSED = {
    "POST /v1/models/foo:predict": ModelPath("foo", None, None, "predict"),
    "POST /V1/Models/Foo:classify": ModelPath("Foo", None, None, "classify"),
    "POST /v1/models/foo/versions/50:regress": ModelPath("foo", 50, None, "regress"),
    "POST /v1/models/foo/labels/canary:predict": ModelPath("foo", None, "canary", "predict"),
    "POST /v1/models/a%2Fb%20%C3%A9/labels/x%3Ay:predict": ModelPath(
        "a/b é", None, "x:y", "predict"
    ),
    "GET /v1/models/foo": ModelPath("foo", None, None, "status"),
    "GET /v1/models/foo/versions/9223372036854775807": ModelPath("foo", 2**63 - 1, None, "status"),
    "GET /v1/models/foo/labels/canary": ModelPath("foo", None, "canary", "status"),
    "GET /v1/models/foo/metadata": ModelPath("foo", None, None, "metadata"),
    "GET /v1/models/foo/versions/2/metadata": ModelPath("foo", 2, None, "metadata"),
}


@pytest.mark.parametrize(("line", "path"), PARSED.items())
def test_paths_are_parsed(line, path):
    assert model_path.parse(*line.split()) == path


@pytest.mark.parametrize(
    "line",
    [
        "GET /v1/foo",
        "POST /v1/models",
        "POST /v1/models/foo",
        "GET /v1/models/foo:predict",
        "POST /v1/models/foo:PREDICT",
        "POST /v1/models/foo/version/50:regress",
        "POST /v1/models/foo/versions/HELLO:regress",
        "POST /v1/models/foo/versions/٣:regress",
        "POST /v1/models/foo/versions/1/labels/a:predict",
        "PUT /v1/models/foo:predict",
        "GET /v1/models/foo/",
    ],
)
def test_other_paths_are_malformed(line):
    with pytest.raises(StatusError) as caught:
        model_path.parse(*line.split())
    assert caught.value.message == f"Malformed request: {line}"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("GET /v1/models", "Missing model name in request."),
        (
            "POST /v1/models/foo/versions/18446744073709551615:regress",
            "Failed to convert version: 18446744073709551615 to numeric.",
        ),
        ("POST /v1/models/%FF:predict", "Failed to decode model name:%FF"),
        ("GET /v1/models/foo/labels/%FF", "Failed to decode model version label:%FF"),
    ],
)
def test_wrong_names_are_errors(line, message):
    with pytest.raises(StatusError) as caught:
        model_path.parse(*line.split())
    assert caught.value.message == message
