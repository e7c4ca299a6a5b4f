"""A front of the server's REST API that notes what comes and fails when it is told to."""

import contextlib
import threading
import time

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route


class RestFront:
    """Passes requests on; answers first of all with `failures`, (status, body) each.

    Attributes:
        requests: (method, path, size of the body) of those that came.
    """

    def __init__(self, target):
        self._url = f"http://{target}"
        self.failures = []
        self.requests = []
        self.app = Starlette(routes=[Route("/{path:path}", self._pass_on, methods=["GET", "POST"])])

    async def _pass_on(self, request):
        body = await request.body()
        self.requests.append((request.method, request.url.path, len(body)))
        if self.failures:
            status, content = self.failures.pop(0)
            return Response(content, status)
        async with httpx.AsyncClient(timeout=60) as client:
            path = request.scope["raw_path"].decode()
            answer = await client.request(request.method, self._url + path, content=body)
        media_type = answer.headers["content-type"]
        return Response(answer.content, answer.status_code, media_type=media_type)


@contextlib.contextmanager
def running(app):
    """Runs an app on a free port; gives its port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
