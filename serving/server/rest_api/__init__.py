"""The REST transport: JSON over HTTP.

`http_server.py` is the place to start; `app.py` answers a request, and the other files translate
between JSON and messages.
"""

from serving.server.rest_api.app import RestApp
from serving.server.rest_api.http_server import RestServer
from serving.server.rest_api.tls import server_context

__all__ = ["RestApp", "RestServer", "server_context"]
