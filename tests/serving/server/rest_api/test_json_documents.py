"""How JSON is read, quoted and written: rapidjson's and TensorFlow Serving's ways."""

import math

import grpc
import numpy as np
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
    "too deep": (b"[" * 100_000, "JSON Parse error: nested too deeply"),
    "too deep object": (b'{"a":' * 100_000, "JSON Parse error: nested too deeply"),
    "twice the same key": (
        b'{"a": {"b": 1, "b": 1}}',
        "JSON Parse error: the key 'b' is given twice in one object",
    ),
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
    assert isinstance(infinity, json_documents.Constant)
    assert smile == "\N{GRINNING FACE}"


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
        (json_documents.Constant("nan"), "Number"),
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


# FromJsonSingleFloatTensorSixDigitPrecision and ...NonFinite of json_tensor_test.cc; then
# numbers that six digits do not tell apart, in C's "%.9g" and "%.17g".
FLOATS = {
    9000000: "9e+06",
    999999: "999999.0",
    0.5: "0.5",
    0.0003: "0.0003",
    0.00003: "3e-05",
    555557.5: "555557.5",
    3: "3.0",
    -0.0: "-0.0",
    math.nan: "NaN",
    math.inf: "Infinity",
    -math.inf: "-Infinity",
    16777215: "16777215.0",
    0.1234567: "0.123456702",
    3.4028234663852886e38: "3.40282347e+38",
}


def test_floats_are_written_in_as_many_digits_as_they_need():
    assert json_documents.decimals(np.array(list(FLOATS), np.float32)) == list(FLOATS.values())


def test_doubles_are_written_in_as_many_digits_as_they_need():
    doubles = {
        0.1: "0.1",
        1 / 3: "0.33333333333333331",
        2.0**53: "9007199254740992.0",
        1e22: "1e+22",
    }
    assert json_documents.decimals(np.array(list(doubles))) == list(doubles.values())
