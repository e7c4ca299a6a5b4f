"""TensorFlow Serving's REST form of our server's API, as far as a client of it needs."""

import base64
import contextlib
import json
import threading
import time

import numpy as np
import tensorflow as tf
import uvicorn
from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2

from serving.server.api import Api
from serving.server.errors import StatusError

_STATUS = {"NOT_FOUND": 404, "INVALID_ARGUMENT": 400, "FAILED_PRECONDITION": 400}


class RestFront:
    """Answers like TensorFlow Serving; first of all with `failures`, (status, body) each.

    Attributes:
        requests: (method, path, size of the body) of those that came.
    """

    def __init__(self, manager, *, failures=(), token=None):
        self._api = Api(manager)
        self._token = token
        self.failures = list(failures)
        self.requests = []
        self.app = Starlette(
            routes=[
                Route("/v1/models/{model}/metadata", self._metadata),
                Route("/v1/models/{model}:predict", self._predict, methods=["POST"]),
                Route(
                    "/v1/models/{model}/versions/{version:int}:predict",
                    self._predict,
                    methods=["POST"],
                ),
            ]
        )

    async def _metadata(self, request):
        message = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        message.model_spec.name = request.path_params["model"]

        def describe():
            response = self._api.get_model_metadata(message)
            signatures = get_model_metadata_pb2.SignatureDefMap()
            response.metadata["signature_def"].Unpack(signatures)
            return {
                "model_spec": _to_json(response.model_spec),
                "metadata": {"signature_def": _to_json(signatures)},
            }

        return await self._answer(request, describe)

    async def _predict(self, request):
        body = json.loads(await request.body())
        message = predict_pb2.PredictRequest()
        message.model_spec.name = request.path_params["model"]
        if "version" in request.path_params:
            message.model_spec.version.value = request.path_params["version"]
        message.model_spec.signature_name = body["signature_name"]
        for name, value in body["inputs"].items():
            decoded = np.array(_decode(value), object)
            message.inputs[name].CopyFrom(tf.make_tensor_proto(decoded, tf.string))

        def run():
            outputs = self._api.predict(message).outputs
            arrays = {name: tf.make_ndarray(value).tolist() for name, value in outputs.items()}
            return {"outputs": arrays if len(arrays) > 1 else next(iter(arrays.values()))}

        return await self._answer(request, run)

    async def _answer(self, request, make):
        body = await request.body()
        self.requests.append((request.method, request.url.path, len(body)))
        if self._token and request.headers.get("authorization") != f"Bearer {self._token}":
            return _error(401, "no")
        if self.failures:
            status, content = self.failures.pop(0)
            return Response(content, status)
        try:
            content = json.dumps(make())
        except StatusError as error:
            return _error(_STATUS[error.code.name], error.message)
        return Response(content, media_type="application/json")


def _error(status, message):
    return Response(json.dumps({"error": message}), status, media_type="application/json")


def _to_json(message):
    return json_format.MessageToDict(
        message, including_default_value_fields=True, preserving_proto_field_name=True
    )


def _decode(value):
    if isinstance(value, list):
        return [_decode(part) for part in value]
    return base64.b64decode(value["b64"], validate=True)


@contextlib.contextmanager
def running(app, **options):
    """Runs an app on a free port; gives its port."""
    config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", **options)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
