"""JSON documents as TensorFlow Serving's REST API reads and quotes them."""

import contextlib
import gc
import itertools
import json
import math
import re
from collections.abc import Iterator
from typing import Any

from serving.server.errors import StatusError, invalid_argument

MAX_QUOTED_CHARACTERS = 1000
"""Longest value that a message quotes. TensorFlow Serving quotes all of it: megabytes for a
picture."""

# The standard library's messages, and rapidjson's messages for the same errors (`error/en.h`).
_MESSAGES = {
    "Expecting value": "Invalid value.",
    "Extra data": "The document root must not be followed by other values.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Expecting ',' delimiter": "Missing a comma, } or ] after an object member or array element.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\uXXXX escape": "Incorrect hex digit after \\u escape in string.",
    "Invalid control character at": "Invalid encoding in string.",
}

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_STRING_OR_NAME = re.compile(r'"(?:[^"\\]|\\.)*"|-NaN|Inf(?!inity)')
_NAMES = {"-NaN": "NaN", "Inf": "Infinity"}
"""What rapidjson reads and the standard library does not."""


def parse(body: bytes | bytearray) -> dict[str, Any]:
    """Reads the document of a request.

    Example:
        >>> parse(b'{"instances": [1, 2.5, NaN]}')
        {'instances': [1, 2.5, nan]}

    Raises:
        StatusError: INVALID_ARGUMENT, the body is not an object; or as `load`.
    """
    document = load(body)
    if not isinstance(document, dict):
        raise invalid_argument(f"JSON Value: {quote(document)} Is not object")
    return document


def load(body: bytes | bytearray) -> Any:
    """Reads JSON in UTF-8 as rapidjson does.

    `NaN`, `Inf`, `Infinity`, also with a minus, are numbers; integers beyond 64 bits are floats.
    The first of equal keys of an object counts.

    Raises:
        StatusError: INVALID_ARGUMENT, the body is no JSON in UTF-8, a number is beyond all
            doubles, or lists are nested too deeply.
    """
    if not body:
        raise invalid_argument("JSON Parse error: The document is empty")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _parse_error("Invalid encoding in string.", error.start) from error
    try:
        if "Inf" in text or "-NaN" in text:
            text = _STRING_OR_NAME.sub(lambda match: _NAMES.get(match[0], match[0]), text)
        with without_collection():
            document = json.loads(text, **_HOOKS)
        if _SURROGATE_ESCAPE.search(text):
            json.dumps(document, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        message = next(ours for theirs, ours in _MESSAGES.items() if error.msg.startswith(theirs))
        if not text.strip():
            message = "The document is empty."
        raise _parse_error(message, len(text[: error.pos].encode())) from error
    except UnicodeEncodeError as error:
        message = "JSON Parse error: The surrogate pair in string is invalid."
        raise invalid_argument(message) from error
    except RecursionError as error:
        raise invalid_argument("JSON Parse error: nested too deeply") from error
    return document


@contextlib.contextmanager
def without_collection() -> Iterator[None]:
    """Reads without a search for garbage every few hundred lists, which takes ten times as long."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def type_name(value: Any) -> str:
    """The type of a value, as messages name it.

    Example:
        >>> [type_name(value) for value in (None, True, {}, [], "a", 1.5)]
        ['Null', 'True', 'Object', 'Array', 'String', 'Number']
    """
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return str(value)
    names: dict[type, str] = {dict: "Object", list: "Array", str: "String"}
    return names.get(type(value), "Number")


def quote(value: Any) -> str:
    """A value as messages quote it: indented by four, cut after `MAX_QUOTED_CHARACTERS`.

    Example:
        >>> quote(0.25), quote("a"), quote(3)
        ('0.25', '"a"', '3')
    """
    chunks = json.JSONEncoder(indent=4, ensure_ascii=False, default=repr).iterencode(value)
    # A chunk is at least a character, so that no more than these can be needed.
    text = "".join(itertools.islice(chunks, MAX_QUOTED_CHARACTERS + 1))
    if len(text) > MAX_QUOTED_CHARACTERS:
        return text[:MAX_QUOTED_CHARACTERS] + "..."
    return text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        members |= dict(reversed(pairs))
    return members


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise invalid_argument("JSON Parse error: Number too big to be stored in double.")
    return value


def _integer(text: str) -> int | float:
    value = int(text) if len(text) < 21 else 2**64
    return value if -(2**63) <= value < 2**64 else _float(text)


def _parse_error(message: str, offset: int) -> StatusError:
    return invalid_argument(f"JSON Parse error: {message} at offset: {offset}")


_HOOKS: dict[str, Any] = {
    "object_pairs_hook": _object,
    "parse_float": _float,
    "parse_int": _integer,
    "parse_constant": float,
}
