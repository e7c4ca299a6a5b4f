"""Calls over TensorFlow Serving's REST API (https://www.tensorflow.org/tfx/serving/api_rest)."""

import base64
import json
import ssl
import time
import urllib.parse
from http import HTTPStatus
from typing import Any

import grpc
import httpx
import numpy as np
from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2

from serving.client.calls import Answer, Call, PredictCall
from serving.client.connection import Connection
from serving.client.errors import CallError
from serving.client.grpc_channel import read_signatures

_CODES: dict[int, grpc.StatusCode] = {
    HTTPStatus.BAD_REQUEST: grpc.StatusCode.INVALID_ARGUMENT,
    HTTPStatus.UNAUTHORIZED: grpc.StatusCode.UNAUTHENTICATED,
    HTTPStatus.FORBIDDEN: grpc.StatusCode.PERMISSION_DENIED,
    HTTPStatus.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    HTTPStatus.TOO_MANY_REQUESTS: grpc.StatusCode.RESOURCE_EXHAUSTED,
    HTTPStatus.INTERNAL_SERVER_ERROR: grpc.StatusCode.INTERNAL,
    HTTPStatus.NOT_IMPLEMENTED: grpc.StatusCode.UNIMPLEMENTED,
    HTTPStatus.SERVICE_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT: grpc.StatusCode.DEADLINE_EXCEEDED,
}
"""HTTP statuses of TensorFlow Serving, and of proxies in front of it."""

_TRANSIENT = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


class _Translator:
    """Translates calls to HTTP requests and responses to answers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._client_options: dict[str, Any] = {
            "base_url": connection.target,
            "headers": connection.headers,
            "trust_env": not connection.is_local,  # else through a proxy that cannot reach it
            "verify": True if connection.tls is None else connection.tls.ssl_context(),
        }

    def _request(self, call: Call) -> dict[str, Any]:
        """Arguments of `httpx.Client.stream`."""
        model = f"/v1/models/{urllib.parse.quote(self._connection.model, safe='')}"
        if not isinstance(call, PredictCall):
            return {"method": "GET", "url": f"{model}/metadata"}
        version = "" if call.version is None else f"/versions/{call.version}"
        body = {
            "signature_name": call.signature,
            "inputs": {call.input_name: _encode(call.values)},
        }
        return {
            "method": "POST",
            "url": f"{model}{version}:predict",
            "content": json.dumps(body).encode(),
            "headers": {"content-type": "application/json"},
        }

    def _answer(self, call: Call, status: int, body: bytes) -> Answer:
        """Reads a response.

        Raises:
            CallError: it is an error, or no model server sent it.
        """
        if status != HTTPStatus.OK:
            raise _failure(status, body)
        try:
            content = json.loads(body)  # accepts NaN, which TensorFlow Serving writes
            if isinstance(call, PredictCall):
                outputs = content["outputs"]
                return {
                    name: np.array(outputs[name], dtype) for name, dtype in call.outputs.items()
                }
            signatures = json_format.ParseDict(
                content["metadata"]["signature_def"],
                get_model_metadata_pb2.SignatureDefMap(),
                ignore_unknown_fields=True,
            )
            return read_signatures(int(content["model_spec"]["version"]), signatures)
        except (ValueError, KeyError, TypeError, json_format.ParseError) as error:
            raise CallError(
                grpc.StatusCode.UNIMPLEMENTED, f"the answer is not a model server's: {error!r}"
            ) from error


class _ResponseBody:
    """Collects the body of a response; fails if it grows too large or comes too late."""

    def __init__(self, connection: Connection, timeout_s: float) -> None:
        self._limit = connection.max_message_bytes
        self._deadline = time.monotonic() + timeout_s
        self.content = bytearray()

    def add(self, chunk: bytes) -> None:
        self.content += chunk
        if len(self.content) > self._limit:
            raise CallError(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"the answer is larger than {self._limit} bytes, max_message_bytes",
            )
        # httpx limits only the time of each single read.
        if time.monotonic() > self._deadline:
            raise CallError(grpc.StatusCode.DEADLINE_EXCEEDED, "the answer came too slowly")


class RestChannel(_Translator):
    """Blocking calls; thread-safe."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._client = httpx.Client(**self._client_options)

    def call(self, call: Call, timeout_s: float) -> Answer:
        """Calls once.

        Raises:
            CallError: it failed.
        """
        request = self._request(call)
        body = _ResponseBody(self._connection, timeout_s)
        try:
            with self._client.stream(**request, timeout=timeout_s) as stream:
                for chunk in stream.iter_bytes():
                    body.add(chunk)
        except httpx.HTTPError as error:
            raise _connection_failure(error) from error
        return self._answer(call, stream.status_code, bytes(body.content))

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


class AsyncRestChannel(_Translator):
    """Awaitable calls."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._client = httpx.AsyncClient(**self._client_options)

    async def call(self, call: Call, timeout_s: float) -> Answer:
        """Calls once.

        Raises:
            CallError: it failed.
        """
        request = self._request(call)
        body = _ResponseBody(self._connection, timeout_s)
        try:
            async with self._client.stream(**request, timeout=timeout_s) as stream:
                async for chunk in stream.aiter_bytes():
                    body.add(chunk)
        except httpx.HTTPError as error:
            raise _connection_failure(error) from error
        return self._answer(call, stream.status_code, bytes(body.content))

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


def _encode(values: Any) -> Any:
    """Bytes of any shape as nested lists of `{"b64": ...}`."""
    if isinstance(values, np.ndarray):
        return [_encode(value) for value in values]
    return {"b64": base64.b64encode(values).decode()}


def _failure(status: int, body: bytes) -> CallError:
    """Translates an error response."""
    code = _CODES.get(status, grpc.StatusCode.UNKNOWN)
    try:
        details = str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        details = f"HTTP {status} {body[:200].decode(errors='replace')}".strip()
        if code is grpc.StatusCode.NOT_FOUND:  # the page of some other web server
            code = grpc.StatusCode.UNIMPLEMENTED
    return CallError(code, details, transient=status in _TRANSIENT)


def _connection_failure(error: httpx.HTTPError) -> CallError:
    """Translates an error of the connection."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return CallError(grpc.StatusCode.UNAVAILABLE, str(error), tls=True)
        cause = cause.__cause__ or cause.__context__
    details = str(error) or type(error).__name__
    if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
        return CallError(grpc.StatusCode.DEADLINE_EXCEEDED, details)
    # Not reached, or cut off. Calls only read, so they may be repeated.
    return CallError(grpc.StatusCode.UNAVAILABLE, details, transient=True)
