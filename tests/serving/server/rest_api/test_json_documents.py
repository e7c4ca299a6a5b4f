"""How JSON is read and quoted: rapidjson's and TensorFlow Serving's ways."""

import math

import grpc
import pytest

from serving.server.errors import StatusError
from serving.server.rest_api import json_documents


def refusal(body):
    with pytest.raises(StatusError) as caught:
        json_documents.parse(body)
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    return caught.value.message


# Messages of rapidjson's error/en.h; offsets are where Python's parser stopped, in bytes.
REFUSED = {
    "nothing": (b"", "JSON Parse error: The document is empty"),
    "white space": (b"  ", "JSON Parse error: The document is empty. at offset: 2"),
    "no JSON": (b"instances = [1, 2]", "JSON Parse error: Invalid value. at offset: 0"),
    "trailing comma": (b'{"a": [1,]}', "JSON Parse error: Invalid value. at offset: 9"),
    "no name": (b"{1: 2}", "JSON Parse error: Missing a name for object member. at offset: 1"),
    "no colon": (
        b'{"a" 2}',
        "JSON Parse error: Missing a colon after a name of object member. at offset: 5",
    ),
    "no comma": (
        '{"é": 1 2}'.encode(),
        "JSON Parse error: Missing a comma, } or ] after an object member or array element. "
        "at offset: 9",
    ),
    "open string": (
        b'{"a": "b',
        "JSON Parse error: Missing a closing quotation mark in string. at offset: 6",
    ),
    "bad escape": (
        rb'{"a": "\x"}',
        "JSON Parse error: Invalid escape character in string. at offset: 7",
    ),
    "bad unicode escape": (
        rb'{"a": "\u12G4"}',
        "JSON Parse error: Incorrect hex digit after \\u escape in string. at offset: 8",
    ),
    "control character": (
        b'{"a": "\n"}',
        "JSON Parse error: Invalid encoding in string. at offset: 7",
    ),
    "not UTF-8": (
        b'{"a": "\xff"}',
        "JSON Parse error: Invalid encoding in string. at offset: 7",
    ),
    "two documents": (
        b"{} {}",
        "JSON Parse error: The document root must not be followed by other values. at offset: 3",
    ),
    "half a surrogate pair": (
        rb'{"a": "\ud83d"}',
        "JSON Parse error: The surrogate pair in string is invalid.",
    ),
    "endless digits": (
        b'{"a": ' + b"9" * 5000 + b"}",
        "JSON Parse error: Number too big to be stored in double.",
    ),
    "number beyond all doubles": (
        b'{"a": [Infinity, 1e400]}',
        "JSON Parse error: Number too big to be stored in double.",
    ),
    "too deep": (b"[" * 100_000, "JSON Parse error: nested too deeply"),
    "too deep object": (b'{"a":' * 100_000, "JSON Parse error: nested too deeply"),
    "no object": (b"[1]", "JSON Value: [\n    1\n] Is not object"),
}


@pytest.mark.parametrize(("body", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_document_is_refused(body, message):
    assert refusal(body) == message


def test_a_document_is_read():
    body = '\ufeff{"é": [1, 2.5, null, true, NaN, -Infinity, "\\ud83d\\ude00"]}'.encode()
    *values, nan, infinity, smile = json_documents.parse(body)["é"]
    assert values == [1, 2.5, None, True]
    assert math.isnan(nan)
    assert infinity == -math.inf
    assert smile == "\N{GRINNING FACE}"


def test_numbers_that_are_not_finite_have_rapidjsons_names():
    body = b'{"a": [Inf, -Inf, -NaN, Infinity], "b": "Inf \\"-NaN"}'
    document = json_documents.parse(body)
    assert str(document["a"]) == "[inf, -inf, nan, inf]"
    assert document["b"] == 'Inf "-NaN'


def test_integers_beyond_64_bits_are_floats():
    body = b"{%s}" % b", ".join(b'"%d": %d' % (n, n) for n in (2**64 - 1, -(2**63), 2**64))
    values = json_documents.parse(body).values()
    assert list(values) == [2**64 - 1, -(2**63), 2.0**64]
    assert [type(value) for value in values] == [int, int, float]


def test_the_first_of_equal_keys_counts():
    document = json_documents.parse(b'{"a": {"b": 1, "c": 2, "b": 3}, "d": 4, "a": 5}')
    assert document == {"a": {"b": 1, "c": 2}, "d": 4}
    assert list(document["a"]) == ["b", "c"]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "Null"),
        (False, "False"),
        (True, "True"),
        ({}, "Object"),
        ([], "Array"),
        ("", "String"),
        (1, "Number"),
        (1.5, "Number"),
        (math.nan, "Number"),
    ],
)
def test_types_have_rapidjsons_names(value, name):
    assert json_documents.type_name(value) == name


def test_values_are_quoted_as_far_as_they_help():
    assert json_documents.quote({"é": ["\n"]}) == '{\n    "é": [\n        "\\n"\n    ]\n}'
    assert json_documents.quote(0.2) == "0.2"
    assert json_documents.quote(1e300) == "1e+300"
    long = json_documents.quote([1] * 10_000_000)  # which is not written out first
    assert len(long) == json_documents.MAX_QUOTED_CHARACTERS + 3
    assert long.endswith("...")
