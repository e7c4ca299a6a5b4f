"""Bodies of Classify and Regress as messages; texts of TensorFlow Serving's json_tensor.cc."""

import grpc
import pytest
from google.protobuf import text_format
from tensorflow_serving.apis import classification_pb2, regression_pb2

from serving.server.errors import StatusError
from serving.server.rest_api import request_bodies

REQUESTS = [classification_pb2.ClassificationRequest, regression_pb2.RegressionRequest]


@pytest.mark.parametrize("kind", REQUESTS)
def test_examples_are_read(kind):
    # ClassifyRegressRequestTest.RequestNoContext, and a feature of every type.
    body = """{"signature_name": "s", "examples": [
      {"names": ["foo", "bar"], "ratings": [8.0, NaN], "age": 20},
      {"names": {"b64": "YmF6"}, "flags": [true, false], "none": [], "far": 18446744073709551616,
       "cast": [1.00000001, 1e39, -Inf]}
    ]}"""
    request = kind()
    assert request_bodies.fill_examples(body.encode(), request) == 2
    expected = text_format.Parse(
        """
        model_spec { signature_name: "s" }
        input { example_list {
          examples { features {
            feature { key: "names" value { bytes_list { value: "foo" value: "bar" } } }
            feature { key: "ratings" value { float_list { value: 8.0 value: nan } } }
            feature { key: "age" value { int64_list { value: 20 } } }
          } }
          examples { features {
            feature { key: "names" value { bytes_list { value: "baz" } } }
            feature { key: "flags" value { int64_list { value: 1 value: 0 } } }
            feature { key: "none" value { } }
            feature { key: "far" value { float_list { value: 1.8446744073709552e19 } } }
            feature { key: "cast" value { float_list { value: 1 value: inf value: -inf } } }
          } }
        } }
        """,
        kind(),
    )
    assert str(request) == str(expected)  # a NaN differs from itself


@pytest.mark.parametrize("kind", REQUESTS)
def test_examples_may_share_a_context(kind):
    request = kind()
    body = b'{"context": {"query": "q"}, "examples": [{"age": 20}]}'
    assert request_bodies.fill_examples(body, request) == 1
    expected = text_format.Parse(
        """
        input { example_list_with_context {
          examples { features {
            feature { key: "age" value { int64_list { value: 20 } } }
          } }
          context { features {
            feature { key: "query" value { bytes_list { value: "q" } } }
          } }
        } }
        """,
        kind(),
    )
    expected.model_spec.SetInParent()
    assert request == expected


EXAMPLES_REFUSED = {
    "no examples": (
        "{}",
        "JSON Value: {} When method is classify, key 'examples' is expected and was not found",
    ),
    "no list": (
        '{"examples": {}}',
        "JSON Value: {\n    \"examples\": {}\n} Expecting 'examples' value to be an list/array",
    ),
    "empty": (
        '{"examples": []}',
        "JSON Value: {\n    \"examples\": []\n} 'examples' value is an empty array",
    ),
    "no object": ('{"examples": [1]}', "Example must be JSON object but got JSON Number"),
    "mixed types": (
        '{"examples": [{"x": [1, 1.5]}]}',
        "Unexpected element type in feature: x expecting type: int64",
    ),
    "mixed strings": (
        '{"examples": [{"x": ["a", 1]}]}',
        "Unexpected element type in feature: x expecting type: bytes",
    ),
    "nothing": (
        '{"examples": [{"x": null}]}',
        "Feature: x has element with unexpected JSON type: Null",
    ),
    "nested list": (
        '{"examples": [{"x": [[1]]}]}',
        "Feature: x has element with unexpected JSON type: Array",
    ),
    "object": (
        '{"examples": [{"x": {"b65": ""}}]}',
        "Feature: x has element with unexpected JSON type: Object",
    ),
    "broken base 64": ('{"examples": [{"x": {"b64": "%"}}]}', "Unable to base64 decode"),
    "unsigned": (
        '{"examples": [{"x": 9223372036854775808}]}',
        "Feature: x has uint64_t element. Only int64_t is supported.",
    ),
    "beyond all doubles": (
        '{"examples": [{"x": 1e400}]}',
        "JSON Parse error: Number too big to be stored in double.",
    ),
    "integer beyond all doubles": (
        f'{{"examples": [{{"x": {"9" * 400}}}]}}',
        "JSON Parse error: Number too big to be stored in double.",
    ),
}


@pytest.mark.parametrize(("body", "message"), EXAMPLES_REFUSED.values(), ids=EXAMPLES_REFUSED)
def test_what_is_no_example_is_refused(body, message):
    with pytest.raises(StatusError) as caught:
        request_bodies.fill_examples(body.encode(), classification_pb2.ClassificationRequest())
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.message == message
