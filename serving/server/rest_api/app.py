"""The REST API as an ASGI application."""

import asyncio
import concurrent.futures
import gzip
import io
import logging
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import grpc
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from serving.channel import MAX_MESSAGE_BYTES
from serving.server.admission import AdmissionControl
from serving.server.api import Api
from serving.server.errors import StatusError, invalid_argument
from serving.server.monitoring import (
    DEFAULT_METRICS_PATH,
    Metrics,
    Observer,
    Outcome,
    notify,
    prometheus_text,
    request_id,
)
from serving.server.rest_api import model_path, response_bodies
from serving.server.rest_api.handler import Answer, answer, message_of
from serving.server.rest_api.model_path import ModelPath

logger = logging.getLogger(__name__)

LIVE_PATH, READY_PATH = "/healthz/live", "/healthz/ready"
"""Our own paths for HTTP probes: 200 or 503; they need no token."""

_METHODS = {"metadata": "GetModelMetadata", "status": "GetModelStatus"}
"""Methods of the API that a path names otherwise."""

_SLICE_BYTES = 2**18

# `AddCORSHeaders` in http_rest_api_util.cc.
_CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}

# `ToHTTPStatusCode` in TensorFlow Serving's http_server.cc.
_HTTP_STATUS = {
    grpc.StatusCode[name]: status
    for status, names in {
        400: "INVALID_ARGUMENT FAILED_PRECONDITION OUT_OF_RANGE",
        401: "UNAUTHENTICATED",
        403: "PERMISSION_DENIED",
        404: "NOT_FOUND",
        409: "ALREADY_EXISTS ABORTED",
        429: "RESOURCE_EXHAUSTED",
        499: "CANCELLED",
        500: "UNKNOWN INTERNAL DATA_LOSS",
        501: "UNIMPLEMENTED",
        503: "UNAVAILABLE",
        504: "DEADLINE_EXCEEDED",
    }.items()
    for name in names.split()
}


class RestApp:
    """Answers each request in a thread of a pool, so that a slow model delays no other.

    Args:
        api: answers the requests.
        admission: decides which requests are taken; `LIVE_PATH` and `READY_PATH` show its health.
        threads: requests answered at a time.
        timeout_s: seconds until a request under way is given up (504), and between two pieces
            of a body (408). A model that computes is not interrupted: its thread is free again
            when it has ended.
        max_body_bytes: a longer body is refused (413), also if it is only so long once unpacked.
        cors: whether answers allow the scripts of any page to read them.
        observers: called with the outcome of every request to a path of the API.
        metrics: shown at `metrics_path`; None to show none.
        metrics_path: as above.
    """

    def __init__(
        self,
        api: Api,
        admission: AdmissionControl,
        *,
        threads: int = 4,
        timeout_s: float = 30.0,
        max_body_bytes: int = MAX_MESSAGE_BYTES,
        cors: bool = False,
        observers: Sequence[Observer] = (),
        metrics: Metrics | None = None,
        metrics_path: str = DEFAULT_METRICS_PATH,
    ) -> None:
        self._admission = admission
        self._api = api
        self._executor = concurrent.futures.ThreadPoolExecutor(threads, "rest")
        self._timeout_s = timeout_s
        self._max_body_bytes = max_body_bytes
        self._cors = cors
        self._observers = observers
        self._metrics = metrics
        health = admission.health
        routes = [
            Route(LIVE_PATH, _health_page(health.is_live), methods=["GET"]),
            Route(READY_PATH, _health_page(health.is_ready), methods=["GET"]),
        ]
        if metrics is not None:
            routes.append(Route(metrics_path, self._metrics_page, methods=["GET"]))
        # An instance, unlike a function, is called for every HTTP method.
        routes.append(Route("/{path:path}", self))
        self.asgi = Starlette(routes=routes)

    def close(self) -> None:
        """Ends its threads."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request to any path but those of health and metrics, as ASGI calls it."""
        try:
            response = await self._respond(scope, receive)
        except asyncio.CancelledError:  # the grace of a stop is over
            response = _json(503, response_bodies.from_error("The server is stopping"))
        if self._cors:
            response.headers.update(_CORS_HEADERS)
        await response(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        headers = Request(scope).headers
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        path = (scope["raw_path"] + query).decode("latin-1")
        if scope["method"] == "OPTIONS" and path.lower().startswith("/v1/"):
            # A browser asks before it sends a request of another page, and without its token.
            if headers.get("origin", "").startswith(("http://", "https://")):
                return Response()
            return _json(
                400, response_bodies.from_error("Origin header is missing in CORS preflight")
            )
        refusal = self._admission.authenticate(headers.get("authorization"))
        if refusal is not None:
            return _error(refusal)
        if not path.lower().startswith("/v1/"):
            return _json(404, response_bodies.from_error(f"Not Found: {path}"))
        is_status = scope["method"] == "GET" and not path.endswith("/metadata")
        refusal = self._admission.admit(is_status=is_status)
        if refusal is not None:
            return _error(refusal)
        try:
            body = await self._read(scope, receive)
            if "gzip" in headers.get("content-encoding", ""):
                body = await self._in_thread(self._unpack, body)
            parsed = model_path.parse(scope["method"], path)
            identity = request_id.choose(headers.get(request_id.HEADER))
            return await self._answer(parsed, body, identity)
        except HTTPException as refused:  # a body that is not read to its end
            return _json(refused.status_code, response_bodies.from_error(refused.detail))
        except StatusError as error:
            return _error(error)
        finally:
            self._admission.release()

    async def _answer(self, path: ModelPath, body: bytearray, identity: str) -> Response:
        started = time.perf_counter()
        request_bytes = len(body)
        answered: Answer | None = None
        code, message = grpc.StatusCode.OK, ""
        try:
            working = self._in_thread(answer, self._api, path, body)
            answered = await asyncio.wait_for(working, self._timeout_s)
        except StatusError as error:
            code, message = error.code, error.message
        except asyncio.TimeoutError:
            # In the words of a TensorFlow session that timed out (direct_session.cc).
            code = grpc.StatusCode.DEADLINE_EXCEEDED
            message = "Timed out waiting for notification"
        except Exception:  # the error itself is not for clients
            logger.exception("request %s: %s failed", identity, path.method)
            code, message = grpc.StatusCode.INTERNAL, "Internal error"
        outcome = Outcome(
            transport="rest",
            method=_METHODS.get(path.method, path.method.capitalize()),
            request_id=identity,
            code=code,
            message=message,
            seconds=time.perf_counter() - started,
            request=message_of(path) if answered is None else answered.request,
            response=None if answered is None else answered.response,
            request_bytes=request_bytes,
        )
        notify(self._observers, outcome)
        if answered is None:
            response = _error(StatusError(code, message))
        else:
            response = _json(200, answered.content)
        response.headers[request_id.HEADER] = identity
        return response

    def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._executor, function, *arguments)

    def _too_large(self) -> HTTPException:
        return HTTPException(
            413, f"The request is larger than the {self._max_body_bytes} bytes that are taken"
        )

    def _unpack(self, body: bytearray) -> bytearray:
        unpacked = bytearray()
        try:
            with gzip.open(io.BytesIO(body)) as file:
                while piece := file.read(2**20):
                    unpacked += piece
                    if len(unpacked) > self._max_body_bytes:
                        raise self._too_large()
        except (OSError, EOFError, zlib.error) as error:
            raise invalid_argument(f"The body is not gzip, as its header says: {error}") from error
        return unpacked

    async def _read(self, scope: Scope, receive: Receive) -> bytearray:
        # A client that waits for 100 Continue then sends nothing. HTTP has checked the number.
        if int(Request(scope).headers.get("content-length", 0)) > self._max_body_bytes:
            raise self._too_large()
        body = bytearray()
        while True:
            try:
                message: Message = await asyncio.wait_for(receive(), self._timeout_s)
            except asyncio.TimeoutError as error:
                raise HTTPException(
                    408, f"No more of the request came within {self._timeout_s:g} seconds"
                ) from error
            if message["type"] == "http.disconnect":
                raise HTTPException(499, "The client has gone")
            body += message.get("body", b"")
            if len(body) > self._max_body_bytes:
                raise self._too_large()
            if not message.get("more_body", False):
                return body

    async def _metrics_page(self, request: Request) -> Response:
        assert self._metrics is not None
        refusal = self._admission.authenticate(request.headers.get("authorization"))
        if refusal is not None:
            return _error(refusal)
        page = await asyncio.get_running_loop().run_in_executor(None, self._metrics.page)
        return Response(page, media_type=prometheus_text.CONTENT_TYPE)


def _health_page(check: Callable[[], bool]) -> Callable[[Request], Awaitable[Response]]:
    async def page(request: Request) -> Response:
        return Response(status_code=200 if check() else 503)

    return page


def _error(error: StatusError) -> Response:
    return _json(_HTTP_STATUS[error.code], response_bodies.from_error(error.message))


def _json(http_status: int, content: bytes | bytearray) -> Response:
    async def slices() -> AsyncIterator[bytes]:
        for start in range(0, len(content), _SLICE_BYTES):
            yield bytes(content[start : start + _SLICE_BYTES])

    if len(content) <= _SLICE_BYTES:
        return Response(bytes(content), http_status, media_type="application/json")
    # Otherwise all of it would be copied for the socket, twice.
    length = {"content-length": str(len(content))}
    return StreamingResponse(slices(), http_status, length, media_type="application/json")
