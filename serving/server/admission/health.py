"""Whether a server is alive, and whether it should get requests."""

import enum
import threading
from collections.abc import Iterator

import grpc
from grpc_health.v1 import health_pb2

HEALTH_SERVICE = "grpc.health.v1.Health"
"""Full name of gRPC's health service."""

LIVENESS = "liveness"
"""Name of the service that is SERVING as long as the process can answer: for Kubernetes'
`livenessProbe: {grpc: {service: liveness}}`."""

READINESS = (
    *("", "tensorflow.serving.PredictionService", "tensorflow.serving.ModelService"),
    *("PredictionService", "ModelService"),  # as TensorFlow Serving names them
)
"""Names of the services that are SERVING while the server should get requests."""

_STATUS = health_pb2.HealthCheckResponse


class Stage(enum.Enum):
    """A stage in the life of a server."""

    LOADING = "the server is loading its models"
    SERVING = "the server takes requests"
    DRAINING = "the server is shutting down"


class Health:
    """The health of a server; safe to use from many threads.

    A server is live while it exists. It takes requests from the end of the first loads until it
    drains. It is ready while it takes requests, once every configured model has been loaded. A
    later load that fails does not change that, because the old version still serves.
    """

    def __init__(self) -> None:
        self._stage = Stage.LOADING
        self._loaded = False
        self._changed = threading.Condition()

    @property
    def stage(self) -> Stage:
        """The stage of the server."""
        return self._stage

    def is_live(self) -> bool:
        """Whether the process works: the answer to liveness probes."""
        return True

    def is_ready(self) -> bool:
        """Whether the server should get requests: the answer to readiness probes."""
        return self._loaded and self._stage is Stage.SERVING

    def serve(self) -> None:
        """The first loads have ended: requests are taken from now on."""
        with self._changed:
            if self._stage is Stage.LOADING:  # it may drain already
                self._stage = Stage.SERVING
            self._changed.notify_all()

    def set_loaded(self) -> None:
        """Every configured model has an available version."""
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
