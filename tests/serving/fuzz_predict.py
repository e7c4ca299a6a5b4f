"""Fuzzes gRPC's Predict and prints the figures.

Usage: python -m tests.serving.fuzz_predict [--cases 2000] [--seed 0]

A case is a message that fits its signature in all, in part or not at all, or bytes that are no
message. No answer may be INTERNAL, UNKNOWN or UNAVAILABLE, and a plain request after each must
be answered as ever. Ends with exit code 1 at the first case that breaks this, which hypothesis
makes small and prints.
"""

import argparse
import collections
import contextlib
import logging
import pathlib
import tempfile
import time
from collections.abc import Callable, Iterator

import grpc
import numpy as np
import tensorflow as tf
from hypothesis import strategies as st
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving.server.model_server import ModelServer
from tests.serving import fuzzing
from tests.serving.conftest import TinyModel

METHOD = "/tensorflow.serving.PredictionService/Predict"
PLAIN = np.array([[1, 2], [3, 4]], np.float32)

_BROKEN = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNAVAILABLE}
# `slow` is left out: its work grows with a number in the request, as a user's model may have it.
_SIGNATURES = ["serving_default", "serving_tracks", "two_inputs", "product", "", "none"]
_NAMES = ["a", "b", "faces", "", "é", "c"]
_PIECES = st.sampled_from(
    [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0" + b"\0" * 64, b"text\0"]
) | st.binary(max_size=32)


@st.composite
def fitting_tensors(draw: st.DrawFn, name: str, is_track: bool) -> tensor_pb2.TensorProto:
    """Tensors of the type and shape that an input of this name takes."""
    rows = draw(st.integers(0, 3))
    if name == "a":
        values = draw(st.lists(st.floats(width=32), min_size=2 * rows, max_size=2 * rows))
        return tf.make_tensor_proto(np.array(values, np.float32).reshape(rows, 2))
    width = 4 if is_track else None
    count = rows * (width or 1)
    pieces = np.array(draw(st.lists(_PIECES, min_size=count, max_size=count)) or [b""], object)
    shape = [rows] if width is None else [rows, width]
    return tf.make_tensor_proto(pieces[:count].reshape(shape), tf.string)


@st.composite
def odd_tensors(draw: st.DrawFn) -> tensor_pb2.TensorProto:
    """Tensors whose type, shape and content need not agree."""
    tensor = tensor_pb2.TensorProto(dtype=draw(st.integers(0, 24) | st.integers(100, 130)))
    sizes = st.integers(0, 4) | st.sampled_from([-1, -(2**63), 2**31, 2**62])
    for size in draw(st.lists(sizes, max_size=3)):
        tensor.tensor_shape.dim.add(size=size)
    tensor.tensor_shape.unknown_rank = draw(st.integers(0, 9)) == 0
    tensor.tensor_content = draw(st.just(b"") | st.binary(max_size=32))
    tensor.float_val.extend(draw(st.lists(st.floats(width=32), max_size=4)))
    tensor.string_val.extend(draw(st.lists(_PIECES, max_size=4)))
    tensor.int_val.extend(draw(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3)))
    return tensor


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Requests of the model, and of others."""
    request = predict_pb2.PredictRequest()
    spec = request.model_spec
    spec.name = draw(st.sampled_from(["tiny"] * 9 + ["", "other", "tiny/1"]))
    spec.signature_name = draw(st.sampled_from(_SIGNATURES))
    if draw(st.integers(0, 9)) == 0:
        spec.version.value = draw(st.integers(-1, 2))
    elif draw(st.integers(0, 19)) == 0:
        spec.version_label = draw(st.text(max_size=4))
    inputs = {"": ["faces"], "product": ["a"], "two_inputs": ["a", "b"]}
    fitting = inputs.get(spec.signature_name, ["faces"])
    is_odd = st.sampled_from([False, False, True])
    names = draw(st.lists(st.sampled_from(_NAMES), max_size=3)) if draw(is_odd) else fitting
    for name in names:
        fitting_tensor = fitting_tensors(name, spec.signature_name == "serving_tracks")
        request.inputs[name].CopyFrom(draw(odd_tensors() if draw(is_odd) else fitting_tensor))
    outputs = st.sampled_from(["x", "y", "verdict", "fake_probability", "product", ""])
    if draw(is_odd):
        request.output_filter.extend(draw(st.lists(outputs, max_size=3)))
    return request.SerializeToString()


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A request with bytes changed, cut off or repeated."""
    message = bytearray(draw(requests()))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(message)))
        end = draw(st.integers(start, min(len(message), start + 8)))
        message[start:end] = draw(st.binary(max_size=8))
    return bytes(message)


cases = requests() | damaged() | st.binary(max_size=64)


@contextlib.contextmanager
def serve() -> Iterator[grpc.Channel]:
    """A server of the tests' tiny model, and a channel to it."""
    with tempfile.TemporaryDirectory(prefix="unmask-fuzz-") as root:
        TinyModel(1.0).save(pathlib.Path(root) / "tiny" / "1")
        with ModelServer(root) as server, grpc.insecure_channel(server.target) as channel:
            yield channel


def check(channel: grpc.Channel, case: bytes) -> grpc.StatusCode:
    """Sends a case and then a plain request; returns the case's code.

    Raises:
        AssertionError: an answer is not as it must be.
    """
    call = channel.unary_unary(METHOD).future(case, timeout=60)
    code = call.code()
    assert code not in _BROKEN, call.details()
    assert code is grpc.StatusCode.OK or call.details()
    plain = predict_pb2.PredictRequest()
    plain.model_spec.name, plain.model_spec.signature_name = "tiny", "product"
    plain.inputs["a"].CopyFrom(tf.make_tensor_proto(PLAIN))
    answer = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(plain, timeout=60)
    assert list(answer.outputs["product"].float_val) == [3, 3, 3, 7, 7, 7]
    return code


def run(
    channel: grpc.Channel, count: int, number: int, counted: Callable[[grpc.StatusCode], None]
) -> None:
    """Sends many cases.

    Args:
        channel: to the server.
        count: number of cases.
        number: seed.
        counted: is told each case's code.
    """
    fuzzing.run(cases, count, number, lambda case: counted(check(channel, case)))


def main() -> None:
    """Runs the cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    logging.getLogger("serving").setLevel(logging.CRITICAL)
    codes: collections.Counter[str] = collections.Counter()
    started = time.monotonic()
    with serve() as channel:
        run(channel, arguments.cases, arguments.seed, lambda code: codes.update([code.name]))
    print(f"cases    {sum(codes.values())}")
    for code, count in sorted(codes.items()):
        print(f"  {code}    {count}")
    print(f"seconds  {time.monotonic() - started:.0f}")


if __name__ == "__main__":
    main()
