"""Fuzzes the REST API over HTTP and prints the figures.

Usage: python -m tests.serving.fuzz_rest [--cases 2000] [--seed 0]

No answer may be a 5xx (but 501, for a type that JSON lacks), none may be other than JSON with
the right keys, and a plain request after each must be answered as ever. Ends with exit code 1
at the first case that breaks this, which hypothesis makes small and prints.
"""

import argparse
import collections
import json
import math
import time
from collections.abc import Callable

import httpx
from hypothesis import strategies as st

from tests.serving import fuzzing
from tests.serving.server import rest_model

PLAIN = json.dumps({"instances": [1.0, 2.0, 5.0]}).encode()
PLAIN_ANSWER = {"predictions": [2.5, 3.0, 4.5]}

SIGNATURES = [
    *rest_model.TYPES,
    "two",
    "string_bytes",
    "ragged_batch",
    "scalar",
    "half",
    "classify",
    "regress",
    "serving_default",
    "__saved_model_init_op",
]

_INTEGERS = [0, -1, 127, 128, 255, 256, 2**24 - 1, 2**24, 2**31, -(2**31) - 1, 2**53]
_LARGE = [2**63 - 1, 2**63, -(2**63), 2**64 - 1, 2**64, 10**30, 10**400]
_DECIMALS = [1.0, -0.0, 1e-320, 3.5e38, 1.7e308, math.nan, math.inf, -math.inf]
_NAMES = st.sampled_from(["x", "a", "b", "y", "examples", "b64", "", "é", "\0"])

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from([*_INTEGERS, *_LARGE, *_DECIMALS]),
    st.text(max_size=8),
    st.binary(max_size=6).map(lambda data: {"b64": data.hex()}),
    st.sampled_from([{"b64": "aGVsbG8="}, {"b64": "%"}, {"b64": None}, {"b64": "é"}, {}]),
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=12,
)
# Rows of one kind are more often right, and so get further.
even_rows = leaves.flatmap(lambda leaf: st.integers(0, 4).map(lambda count: [leaf] * count))
documents = st.fixed_dictionaries(
    {},
    optional={
        "signature_name": st.sampled_from(SIGNATURES) | values,
        "instances": even_rows | st.lists(values, max_size=4) | values,
        "inputs": even_rows | values,
        "examples": st.lists(st.dictionaries(_NAMES, values, max_size=3), max_size=3) | values,
        "context": st.dictionaries(_NAMES, values, max_size=2) | values,
        "unknown": leaves,
    },
)

_INTEGER_TYPES = [name for name, dtype in rest_model.TYPES.items() if dtype.is_integer]
_TYPED = {
    "float": st.floats(width=32),
    "double": st.floats() | st.integers(-(2**53) + 1, 2**53 - 1),
    "bool": st.booleans(),
    "string": st.text(max_size=8) | st.just({"b64": "aGVsbG8="}),
    "string_bytes": st.text(max_size=8) | st.just({"b64": "aGVs\nbG8"}),
    "two": st.fixed_dictionaries({"a": st.integers(0, 9), "b": st.text(max_size=8)}),
    **{
        name: st.integers(rest_model.TYPES[name].min, rest_model.TYPES[name].max)
        for name in _INTEGER_TYPES
    },
}


@st.composite
def right_documents(draw: st.DrawFn) -> dict[str, object]:
    """Requests that fit their signature."""
    name = draw(st.sampled_from(list(_TYPED)))
    rows = draw(st.lists(_TYPED[name], min_size=1, max_size=4))
    depth = draw(st.integers(0, 3))
    if name == "two":
        return {"signature_name": name, "instances": rows}
    for _ in range(depth):
        rows = [rows, rows]
    return {"signature_name": name, draw(st.sampled_from(["instances", "inputs"])): rows}


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A document with bytes cut out, put in or repeated."""
    body = bytearray(json.dumps(draw(documents | right_documents())).encode())
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, len(body)))
        piece = draw(
            st.sampled_from([b"", b"\xff", b"\\ud800", b'"', b"[", b"}", b",", b"\0", b"1e999"])
            | st.binary(max_size=4)
            | st.just(bytes(body[start:end]) * 2)
        )
        body[start:end] = piece
    return bytes(body)


bodies = st.one_of(
    right_documents().map(lambda document: json.dumps(document).encode()),
    right_documents().map(lambda document: json.dumps(document, ensure_ascii=False).encode()),
    documents.map(lambda document: json.dumps(document).encode()),
    documents.map(lambda document: json.dumps(document, ensure_ascii=False, indent=1).encode()),
    damaged(),
    st.binary(max_size=64),
    st.integers(1, 5000).map(lambda depth: b'{"inputs": ' + b"[" * depth + b"]" * depth + b"}"),
    st.integers(1, 5000).map(lambda depth: b'{"inputs":' * depth),
    st.integers(1, 5000).map(lambda digits: b'{"inputs": [' + b"9" * digits + b"]}"),
)
paths = st.sampled_from(
    [":predict"] * 6
    + [":classify", ":regress", ":guess", "/versions/1:predict", "/versions/7:predict"]
    + ["/versions/99999999999999999999:predict", "/labels/x:predict", "/labels/%ff:predict"]
    + ["/metadata", "", "%00:predict", "?x=1"]
)
methods = st.sampled_from(["POST"] * 8 + ["GET", "PUT", "DELETE", "HEAD"])
cases = st.tuples(methods, paths, bodies)


def check(client: httpx.Client, url: str, case: tuple[str, str, bytes]) -> int:
    """Sends a case and then a plain request.

    Args:
        client: keeps the connection.
        url: of the model.
        case: method, path after the model's name, body.

    Returns:
        The case's HTTP code.

    Raises:
        AssertionError: an answer is not as it must be.
    """
    method, path, body = case
    response = client.request(method, url + path, content=body)
    code = response.status_code
    assert code < 500 or code == 501, response.text
    if method != "HEAD":
        answer = json.loads(response.content)
        assert (list(answer) == ["error"]) == (code != 200), answer
        assert len(response.content) < 100_000
    assert client.post(f"{url}:predict", content=PLAIN).json() == PLAIN_ANSWER
    return code


def run(url: str, count: int, number: int, counted: Callable[[int], None]) -> None:
    """Sends many cases.

    Args:
        url: of the model.
        count: number of cases.
        number: seed.
        counted: is told each case's HTTP code.
    """
    with httpx.Client(timeout=60) as client:
        fuzzing.run(cases, count, number, lambda case: counted(check(client, url, case)))


def main() -> None:
    """Runs the cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    codes: collections.Counter[int] = collections.Counter()
    started = time.monotonic()
    with rest_model.serve() as url:
        run(url, arguments.cases, arguments.seed, lambda code: codes.update([code]))
    print(f"cases    {sum(codes.values())}")
    for code, count in sorted(codes.items()):
        print(f"  {code}    {count}")
    print(f"seconds  {time.monotonic() - started:.0f}")


if __name__ == "__main__":
    main()
