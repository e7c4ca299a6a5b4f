"""Who is let in over REST: the rules that `serving.server.grpc_api.interceptor` holds for gRPC."""

import contextlib
from collections.abc import Iterator

import grpc

from serving.server.admission import auth
from serving.server.admission.auth import Tokens
from serving.server.admission.health import Health, Stage
from serving.server.admission.limits import Admission
from serving.server.errors import StatusError


class RestDoor:
    """Refuses requests before their body is read.

    Args:
        health: whether requests are taken.
        admission: whether there is room; shared with gRPC.
        tokens: one of which every request but health checks must carry; None for no such need.
    """

    def __init__(self, health: Health, admission: Admission, tokens: Tokens | None) -> None:
        self.health = health
        self._admission = admission
        self._tokens = tokens

    def check_token(self, authorization: str | None) -> None:
        """Holds up whoever has no token.

        Args:
            authorization: the header's value; None where there is none.

        Raises:
            StatusError: UNAUTHENTICATED.
        """
        if self._tokens is not None and not self._tokens.allows(authorization):
            raise StatusError(grpc.StatusCode.UNAUTHENTICATED, auth.REFUSAL)

    @contextlib.contextmanager
    def entered(self, *, is_status: bool) -> Iterator[None]:
        """Lets a request in for as long as the context lasts.

        Args:
            is_status: whether it asks for a model's status, which is told while models load.

        Raises:
            StatusError: UNAVAILABLE, the server loads its models or shuts down;
                RESOURCE_EXHAUSTED, too many requests are under way.
        """
        stage = self.health.stage
        if stage is Stage.DRAINING or (stage is Stage.LOADING and not is_status):
            raise StatusError(grpc.StatusCode.UNAVAILABLE, stage.value)
        if not self._admission.enter():
            raise StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, "Server Threadpool Exhausted")
        try:
            yield
        finally:
            self._admission.leave()
