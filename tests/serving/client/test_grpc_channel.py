"""Calls over gRPC; `test_retries.py` has how they fail, `test_connection.py` TLS and tokens."""

import asyncio

import grpc
import numpy as np
import pytest

from serving.client.calls import PredictCall, SignaturesCall
from serving.client.connection import Connection
from serving.client.errors import CallError
from serving.client.grpc_channel import AsyncGrpcChannel, GrpcChannel
from tests.serving.conftest import SCOPE

pytestmark = pytest.mark.slow


def call_blocking(target, call):
    channel = GrpcChannel(Connection(target, "tiny"))
    try:
        return channel.call(call, 10.0)
    finally:
        channel.close()


def call_async(target, call):
    async def run():
        channel = AsyncGrpcChannel(Connection(target, "tiny"))
        try:
            return await channel.call(call, 10.0)
        finally:
            await channel.close()

    return asyncio.run(run())


either_channel = pytest.mark.parametrize("make", [call_blocking, call_async])


def predict_call(face_jpeg, version=1, outputs=None):
    faces = np.array([[face_jpeg(255), b"", b"", b""], [face_jpeg(0)] * 4], object)
    outputs = outputs or {"fake_probability": "float32", "verdict": "int64"}
    return PredictCall("serving_tracks", "faces", faces, outputs, version)


@either_channel
def test_outputs_are_those_that_were_wanted(server, face_jpeg, make):
    outputs = make(server.target, predict_call(face_jpeg))
    assert outputs.keys() == {"fake_probability", "verdict"}
    assert outputs["fake_probability"] == pytest.approx([1.0, 0.0], abs=0.01)
    assert outputs["fake_probability"].dtype == np.float32
    assert outputs["verdict"].tolist() == [1, 0]


@either_channel
def test_text_is_text(server, face_jpeg, make):
    outputs = make(server.target, predict_call(face_jpeg, outputs={"scope": "str"}))
    assert outputs["scope"].tolist() == [SCOPE] * 2


@either_channel
def test_signatures_are_read_with_their_version(server, make):
    signatures = make(server.target, SignaturesCall())
    assert signatures.version == 1
    assert signatures.shapes["serving_tracks", "faces"] == (-1, 4)
    assert signatures.shapes["two_inputs", "b"] == (-1,)
    assert {("serving_tracks", "scope"), ("two_inputs", "y")} < signatures.outputs
    assert ("two_inputs", "b") not in signatures.outputs


@either_channel
def test_a_failed_call_keeps_its_code(server, face_jpeg, make):
    with pytest.raises(CallError) as caught:
        make(server.target, predict_call(face_jpeg, version=9))
    assert caught.value.code is grpc.StatusCode.NOT_FOUND
    assert not caught.value.transient
    assert not caught.value.tls
