"""Answers of the REST API, from a model with every type of input and output."""

import gzip
import json
import re

import httpx
import numpy as np
import pytest

from tests.serving.server import rest_model

METRICS = "/monitoring/prometheus/metrics"


@pytest.fixture(scope="module")
def url():
    with rest_model.serve() as address:
        yield address


@pytest.fixture(scope="module")
def ask(url):
    def post(document, path=":predict"):
        content = document if isinstance(document, bytes) else json.dumps(document)
        response = httpx.post(url + path, content=content, timeout=60)
        assert response.headers["content-type"] == "application/json"
        return response.status_code, response.json()

    return post


def test_half_plus_two(ask):
    # The example of TensorFlow Serving's guide to its REST API.
    assert ask({"instances": [1.0, 2.0, 5.0]}) == (200, {"predictions": [2.5, 3.0, 4.5]})
    assert ask({"inputs": [1.0, 2.0, 5.0]}) == (200, {"outputs": [2.5, 3.0, 4.5]})
    assert ask({"inputs": {"x": 5}}, "/versions/1:predict") == (200, {"outputs": 4.5})


VALUES = {
    "float": [0.1, -0.0, 3e38],
    "double": [1 / 3, 1e-300, 2.0**53 - 1],
    "int8": [-128, 127],
    "int16": [-(2**15)],
    "int32": [-(2**31), 2**31 - 1],
    "int64": [2**63 - 1, -(2**63), 9007199254740993],
    "uint8": [255],
    "uint32": [2**32 - 1],
    "uint64": [2**64 - 1],
    "bool": [True, False],
    "string": ["é\0", ""],
}


@pytest.mark.parametrize(("signature", "values"), VALUES.items())
def test_every_type_comes_back_as_it_went(ask, signature, values):
    code, answer = ask({"signature_name": signature, "instances": values})
    assert code == 200
    returned = answer["predictions"]
    if signature == "float":
        assert np.float32(returned).tolist() == np.float32(values).tolist()
    else:
        assert returned == values
    nested = [[values, values]]
    assert ask({"signature_name": signature, "inputs": nested})[1]["outputs"] == [
        [returned, returned]
    ]


def test_bytes_come_back_as_base_64(ask):
    jpeg = {"b64": "/9j/AA=="}
    document = {"signature_name": "two", "instances": [{"a": 1, "b": jpeg}, {"a": 2, "b": "x"}]}
    rows = [{"a": 1, "b_bytes": jpeg}, {"a": 2, "b_bytes": {"b64": "eA=="}}]
    assert ask(document) == (200, {"predictions": rows})
    document = {"signature_name": "string_bytes", "inputs": [[jpeg]]}
    assert ask(document) == (200, {"outputs": [[jpeg]]})


def test_classify_and_regress(ask):
    examples = [{"x": 0.25}, {"x": [0.5]}]
    document = {"signature_name": "classify", "examples": examples}
    results = [[["é", 0.25], ['"', 0.75]], [["é", 0.5], ['"', 0.5]]]
    assert ask(document, ":classify") == (200, {"results": results})
    document = {"signature_name": "regress", "context": {"x": 80.0}, "examples": [{"y": 1}]}
    assert ask(document, ":regress") == (200, {"results": [42.0]})


def test_status_and_metadata(url):
    ok = {"error_code": "OK", "error_message": ""}
    status = {"version": "1", "state": "AVAILABLE", "status": ok}
    assert httpx.get(f"{url}/versions/1").json() == {"model_version_status": [status]}
    assert httpx.get(url).json() == {"model_version_status": [status]}
    metadata = httpx.get(f"{url}/versions/1/metadata").json()
    assert metadata["model_spec"] == {"name": "zoo", "signature_name": "", "version": "1"}
    signature = metadata["metadata"]["signature_def"]["signature_def"]["scalar"]
    assert signature["method_name"] == "tensorflow/serving/predict"
    assert signature["inputs"]["x"]["dtype"] == "DT_INT32"
    shape = {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}
    assert signature["inputs"]["x"]["tensor_shape"] == shape


ERRORS = {
    "no JSON": (":predict", b"instances = [1]", 400, "JSON Parse error: Invalid value. at .*"),
    "empty": (":predict", b"", 400, "JSON Parse error: The document is empty"),
    "not UTF-8": (":predict", b'{"a": "\xff"}', 400, "JSON Parse error: Invalid encoding .*"),
    "too deep": (":predict", b"[" * 100_000, 400, "JSON Parse error: nested too deeply"),
    "too many dimensions": (
        ":predict",
        b'{"inputs": ' + b"[" * 300 + b"1" + b"]" * 300 + b"}",
        400,
        "tensor parsing error: x",
    ),
    "no key": (":predict", {}, 400, "Missing 'inputs' or 'instances' key"),
    "unknown signature": (
        ":predict",
        {"signature_name": "S"},
        400,
        'Serving signature name: "S" not found in signature def',
    ),
    "signature that is no function": (
        ":predict",
        {"signature_name": "__saved_model_init_op"},
        400,
        "Failed to get input map for signature: __saved_model_init_op",
    ),
    "what an operation refuses": (
        ":predict",
        {"signature_name": "regress", "inputs": ["no example"]},
        400,
        ".*Could not parse example input.*",
    ),
    "rows that differ": (
        ":predict",
        {"signature_name": "ragged_batch", "instances": [1]},
        400,
        "Tensor name: z has inconsistent batch size: 2 expecting: 1",
    ),
    "scalar by row": (
        ":predict",
        {"signature_name": "scalar", "instances": [1]},
        400,
        "Tensor name: y has no shape information ",
    ),
    "a type that JSON lacks": (
        ":predict",
        {"signature_name": "half", "inputs": [1]},
        501,
        "Conversion of JSON Value: 1 to type: half",
    ),
    "unknown version": (
        "/versions/7:predict",
        {"instances": [1]},
        404,
        r"Servable not found for request: Specific\(zoo, 7\)",
    ),
    "unknown label": (
        "/labels/X:predict",
        {"instances": [1]},
        400,
        "Unrecognized servable version label: X",
    ),
    "unknown model": (
        "s:predict",
        {"instances": [1]},
        404,
        r"Servable not found for request: Latest\(zoos\)",
    ),
    "malformed": (":guess", {}, 400, "Malformed request: POST /v1/models/zoo:guess"),
}


@pytest.mark.parametrize(("path", "document", "code", "error"), ERRORS.values(), ids=ERRORS)
def test_errors_are_answered_and_the_next_request_is_served(ask, path, document, code, error):
    status, answer = ask(document, path)
    assert status == code
    assert list(answer) == ["error"]
    assert re.fullmatch(error, answer["error"], re.DOTALL)
    assert ask({"instances": [1.0]}) == (200, {"predictions": [2.5]})


def test_every_answer_makes_room_for_the_next_request():
    with rest_model.serve(capacity=1) as url:
        for path, document, code, _ in ERRORS.values():
            content = document if isinstance(document, bytes) else json.dumps(document)
            assert httpx.post(url + path, content=content, timeout=60).status_code == code
        assert httpx.get(url).status_code == 200


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ("GET /v1/models/zoo:predict", 400, "Malformed request: GET /v1/models/zoo:predict"),
        ("PUT /v1/models/zoo:predict", 400, "Malformed request: PUT /v1/models/zoo:predict"),
        ("GET /v1/models/none", 404, "Could not find any versions of model none"),
        ("GET /v1/models/none/metadata", 404, "Servable not found for request: Latest(none)"),
        ("GET /v1/models/zoo?x=1", 404, "Could not find any versions of model zoo?x=1"),
        ("POST /v1/models/zoo:predict?x", 400, "Malformed request: POST /v1/models/zoo:predict?x"),
        ("OPTIONS /v1/models/zoo:predict", 400, "Origin header is missing in CORS preflight"),
        ("GET /", 404, "Not Found: /"),
        (f"GET {METRICS}", 404, f"Not Found: {METRICS}"),
    ],
)
def test_other_paths(url, line, code, error):
    method, path = line.split()
    response = httpx.request(method, httpx.URL(url).join(path))
    assert response.status_code == code
    assert response.json().get("error") == error
    assert "access-control-allow-origin" not in response.headers
    assert "server" not in response.headers


PACKED = gzip.compress(b'{"instances": [1.0, 2.0]}')
GZIP = {
    "packed": (PACKED, "gzip", 200, None),
    "packed in two": (gzip.compress(b'{"instances"') + gzip.compress(b": [1]}"), "gzip", 200, None),
    "not packed": (b"{}", "gzip", 400, "The body is not gzip, as its header says: .*"),
    "cut": (PACKED[:-9], "gzip", 400, "The body is not gzip, as its header says: .*"),
    "damaged": (PACKED[:20] + b"?" + PACKED[21:], "gzip", 400, "The body is not gzip.*"),
    "without its header": (PACKED, "", 400, "JSON Parse error: Invalid encoding in string. .*"),
    "too long once unpacked": (
        gzip.compress(b" " * 1001),
        "gzip",
        413,
        "The request is larger than the 1000 bytes that are taken",
    ),
}


@pytest.mark.parametrize(("body", "encoding", "code", "error"), GZIP.values(), ids=GZIP)
def test_packed_bodies_are_unpacked(body, encoding, code, error):
    with rest_model.serve(max_body_bytes=1000, capacity=1) as url:
        for _ in range(2):  # the second finds the place of the first free
            headers = {"content-encoding": encoding}
            response = httpx.post(f"{url}:predict", content=body, headers=headers, timeout=60)
            assert response.status_code == code
            assert error is None or re.fullmatch(error, response.json()["error"])


@pytest.mark.parametrize("cors", [False, True])
def test_a_browser_may_ask_for_another_page(cors):
    allowed = {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "POST, GET",
        "access-control-allow-headers": "Content-Type",
    }
    with rest_model.serve(cors=cors) as url:
        origin = {"origin": "https://example.org"}
        for response in (
            httpx.options(f"{url}:predict", headers=origin),
            httpx.post(f"{url}:predict", json={"instances": [1.0]}, headers=origin),
            httpx.get(f"{url}s", headers=origin),
        ):
            assert response.status_code == (404 if "zoos" in str(response.url) else 200)
            assert cors == (allowed.items() <= dict(response.headers).items())


def test_a_large_answer_arrives_whole(ask):
    values = [float(value) for value in range(200_000)]
    assert ask({"signature_name": "float", "instances": values}) == (200, {"predictions": values})
