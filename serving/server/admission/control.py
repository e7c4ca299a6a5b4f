"""Which requests a server takes: one rule for gRPC and REST."""

import grpc

from serving.server.admission.auth import REFUSAL, BearerTokens
from serving.server.admission.capacity import Capacity
from serving.server.admission.health import Health, Stage
from serving.server.errors import StatusError


class AdmissionControl:
    """Admits or refuses requests before they are read; safe to use from many threads.

    A transport first calls `authenticate`, then `admit` for a request to the API. Either returns
    the refusal to answer with, or None. A request that was admitted ends with `release`.

    Attributes:
        health: says whether the server takes requests.
        capacity: says whether it has room for one more.

    Args:
        health: as above.
        capacity: as above.
        tokens: every request but health checks must carry one of them; None to take requests
            without a token.
    """

    def __init__(
        self, health: Health, capacity: Capacity, tokens: BearerTokens | None = None
    ) -> None:
        self.health = health
        self.capacity = capacity
        self._tokens = tokens

    def authenticate(self, authorization: str | None) -> StatusError | None:
        """Checks the bearer token of a request.

        Args:
            authorization: value of its `authorization` header; None if it has none.

        Returns:
            None, or UNAUTHENTICATED.
        """
        if self._tokens is None or self._tokens.allows(authorization):
            return None
        return StatusError(grpc.StatusCode.UNAUTHENTICATED, REFUSAL)

    def admit(self, *, is_status: bool) -> StatusError | None:
        """Admits one request to the API, or refuses it.

        Args:
            is_status: whether it asks for the status of a model, which is answered while
                models load.

        Returns:
            None, and `release` must be called when the request has ended; or a refusal:
            UNAVAILABLE while the server loads its first models or shuts down,
            RESOURCE_EXHAUSTED if too many requests are under way.
        """
        stage = self.health.stage
        if stage is Stage.DRAINING or (stage is Stage.LOADING and not is_status):
            return StatusError(grpc.StatusCode.UNAVAILABLE, stage.value)
        if not self.capacity.acquire():
            return StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, "Server Threadpool Exhausted")
        return None

    def release(self) -> None:
        """Ends a request that was admitted."""
        self.capacity.release()
