"""Calls over gRPC: `tensorflow.serving.PredictionService`."""

import asyncio
from typing import Any

import grpc
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving.client.calls import Answer, Call, PredictCall, Signatures
from serving.client.connection import Connection
from serving.client.errors import CallError

_LONGEST_RECONNECT_MS = 2000
"""gRPC by itself waits longer and longer, up to minutes, before it connects again."""

_BUSY = ("Concurrent RPC limit exceeded", "queue")
"""Parts of the details of RESOURCE_EXHAUSTED if the server is full, not the message too large."""

_HANDSHAKE = ("handshake", "CERTIFICATE_VERIFY_FAILED", "SSL_ERROR", "Peer name")


class _Translator:
    """Translates calls to messages and messages to answers; makes channels.

    Args:
        connection: the server and the model.
        library: `grpc` or `grpc.aio`.
    """

    def __init__(self, connection: Connection, library: Any) -> None:
        self._connection = connection
        self._library = library
        self._metadata = list(connection.headers.items())

    def _connect(self) -> Any:
        target, tls = self._connection.target, self._connection.tls
        options = [
            ("grpc.max_send_message_length", self._connection.max_message_bytes),
            ("grpc.max_receive_message_length", self._connection.max_message_bytes),
            ("grpc.max_reconnect_backoff_ms", _LONGEST_RECONNECT_MS),
            ("grpc.enable_http_proxy", not self._connection.is_local),
        ]
        if tls is None:
            return self._library.insecure_channel(target, options)
        return self._library.secure_channel(target, tls.grpc_credentials(), options)

    def _method(self, channel: Any, call: Call) -> Any:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        return stub.Predict if isinstance(call, PredictCall) else stub.GetModelMetadata

    def _request(self, call: Call) -> Any:
        if not isinstance(call, PredictCall):
            metadata_request = get_model_metadata_pb2.GetModelMetadataRequest()
            metadata_request.model_spec.name = self._connection.model
            metadata_request.metadata_field.append("signature_def")
            return metadata_request
        request = predict_pb2.PredictRequest()
        request.model_spec.name = self._connection.model
        request.model_spec.signature_name = call.signature
        if call.version is not None:
            request.model_spec.version.value = call.version
        request.inputs[call.input_name].CopyFrom(
            tf.make_tensor_proto(call.values, dtype=tf.string, shape=call.values.shape)
        )
        request.output_filter.extend(call.outputs)
        return request

    def _answer(self, call: Call, response: Any) -> Answer:
        if isinstance(call, PredictCall):
            return {
                name: _to_array(response.outputs[name], dtype)
                for name, dtype in call.outputs.items()
            }
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        return read_signatures(response.model_spec.version.value, signatures)


def _to_array(tensor: Any, dtype: npt.DTypeLike) -> npt.NDArray:
    values = tf.make_ndarray(tensor)
    if dtype == "str":
        return np.char.decode(values.astype(bytes), "utf-8", "replace")
    return values.astype(dtype, copy=False)


def read_signatures(version: int, signatures: get_model_metadata_pb2.SignatureDefMap) -> Signatures:
    """Reads the inputs and outputs of a version's signatures."""
    return Signatures(
        version,
        {
            (name, alias): tuple(dimension.size for dimension in value.tensor_shape.dim)
            for name, signature in signatures.signature_def.items()
            for alias, value in signature.inputs.items()
        },
        frozenset(
            (name, alias)
            for name, signature in signatures.signature_def.items()
            for alias in signature.outputs
        ),
    )


def _failure(error: grpc.RpcError) -> CallError:
    """Translates gRPC's error."""
    code, details = error.code(), error.details() or ""
    tls = code is grpc.StatusCode.UNAVAILABLE and any(word in details for word in _HANDSHAKE)
    full = code is grpc.StatusCode.RESOURCE_EXHAUSTED and any(word in details for word in _BUSY)
    unavailable = code is grpc.StatusCode.UNAVAILABLE and not tls
    return CallError(code, details, transient=unavailable or full, tls=tls)


class GrpcChannel(_Translator):
    """Blocking calls; thread-safe."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, grpc)
        self._channel = self._connect()

    def call(self, call: Call, timeout_s: float) -> Answer:
        """Calls once.

        Raises:
            CallError: it failed.
        """
        method, request = self._method(self._channel, call), self._request(call)
        try:
            response = method(request, timeout=timeout_s, metadata=self._metadata)
        except grpc.RpcError as error:
            raise _failure(error) from error
        return self._answer(call, response)

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()


class AsyncGrpcChannel(_Translator):
    """Awaitable calls; connects at the first call, in the event loop that makes it."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, grpc.aio)
        self._channel: grpc.aio.Channel | None = None

    async def call(self, call: Call, timeout_s: float) -> Answer:
        """Calls once.

        Raises:
            CallError: it failed.
        """
        if self._channel is None:
            self._channel = self._connect()
        method = self._method(self._channel, call)
        # Building and reading messages of megabytes would block the loop.
        request = await asyncio.to_thread(self._request, call)
        try:
            response = await method(request, timeout=timeout_s, metadata=self._metadata)
        except grpc.RpcError as error:
            raise _failure(error) from error
        return await asyncio.to_thread(self._answer, call, response)

    async def close(self) -> None:
        """Closes the connection."""
        if self._channel is not None:
            await self._channel.close()
