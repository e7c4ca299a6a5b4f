"""Whether a server lives and whether it should be sent requests."""

import enum
import threading
from collections.abc import Iterator

import grpc
from grpc_health.v1 import health_pb2

HEALTH_SERVICE = "grpc.health.v1.Health"
"""Full name of gRPC's health service."""

LIVENESS = "liveness"
"""Name under which the health service answers SERVING as long as the process can answer: for
Kubernetes' `livenessProbe: {grpc: {service: liveness}}`."""

READINESS = ("", "tensorflow.serving.PredictionService", "tensorflow.serving.ModelService")
"""Names under which it answers whether requests should be sent."""

_STATUS = health_pb2.HealthCheckResponse


class Stage(enum.Enum):
    """Where in its life a server is."""

    LOADING = "the server is loading its models"
    SERVING = "the server takes requests"
    DRAINING = "the server is shutting down"


class Health:
    """The health of a server; safe to use from many threads.

    It lives while it exists. It takes requests from the end of the first loads until it
    drains. It is ready once every configured model has been loaded, while it takes requests:
    what fails later takes nothing back, because the version before it serves on.
    """

    def __init__(self) -> None:
        self._stage = Stage.LOADING
        self._loaded = False
        self._changed = threading.Condition()

    @property
    def stage(self) -> Stage:
        """Where in its life the server is."""
        return self._stage

    def is_live(self) -> bool:
        """Whether the process works; a REST server answers its liveness probe with it."""
        return True

    def is_ready(self) -> bool:
        """Whether requests should be sent; a REST server answers its readiness probe with it."""
        return self._loaded and self._stage is Stage.SERVING

    def serve(self) -> None:
        """The first loads have ended: requests are taken from now on."""
        with self._changed:
            if self._stage is Stage.LOADING:  # not if it was told to stop meanwhile
                self._stage = Stage.SERVING
            self._changed.notify_all()

    def set_loaded(self) -> None:
        """Every configured model has a version that can be asked."""
        with self._changed:
            self._loaded = True
            self._changed.notify_all()

    def drain(self) -> None:
        """No further requests are taken."""
        with self._changed:
            self._stage = Stage.DRAINING
            self._changed.notify_all()

    def check(self, name: str) -> int:
        """Status of a service.

        Args:
            name: one of `READINESS` or `LIVENESS`.

        Returns:
            Number of `HealthCheckResponse.ServingStatus`: SERVING, NOT_SERVING, or
            SERVICE_UNKNOWN for any other name.
        """
        if name == LIVENESS:
            good = self.is_live()
        elif name in READINESS:
            good = self.is_ready()
        else:
            return _STATUS.SERVICE_UNKNOWN
        return _STATUS.SERVING if good else _STATUS.NOT_SERVING

    def watch(
        self, name: str, context: grpc.ServicerContext
    ) -> Iterator[health_pb2.HealthCheckResponse]:
        """Yields a service's status now and whenever it changes, until the call ends."""
        context.add_callback(self._wake)
        last = None
        while True:
            with self._changed:
                while self.check(name) == last and context.is_active():
                    self._changed.wait()
                last = self.check(name)
            if not context.is_active():
                return
            yield health_pb2.HealthCheckResponse(status=last)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
