"""The outcome of a request, and the functions that are called with it."""

import dataclasses
import logging
from collections.abc import Callable, Sequence
from typing import Any

import grpc

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one request.

    Attributes:
        transport: `grpc` or `rest`.
        method: of the API, such as `Predict`; for a request that was refused unread, the name
            in its path.
        request_id: see `request_id.choose`; the answer carries it.
        code: gRPC status code of the answer.
        message: of the error; empty without one. An INVALID_ARGUMENT may quote what the client
            sent.
        seconds: from the request's arrival to its answer, waiting included.
        request: the message; None if it was not read.
        response: the message; None if there is none.
        request_bytes: length of the request's message as it arrived.
    """

    transport: str
    method: str
    request_id: str
    code: grpc.StatusCode
    message: str
    seconds: float
    request: Any = None
    response: Any = None
    request_bytes: int = 0

    @property
    def model(self) -> str:
        """Name of the model that was requested; empty if none was."""
        return getattr(_model_spec(self.request), "name", "")

    @property
    def version(self) -> int | None:
        """The version that answered, else the one that was requested; None if unknown."""
        for message in (self.response, self.request):
            spec = _model_spec(message)
            if spec is not None and spec.HasField("version"):
                return spec.version.value
        return None


Observer = Callable[[Outcome], None]
"""Called with the outcome of every request, by the thread that answers it: must be quick."""


def notify(observers: Sequence[Observer], outcome: Outcome) -> None:
    """Calls every observer; one that fails is logged and harms no request."""
    for observer in observers:
        try:
            observer(outcome)
        except Exception:
            logger.exception("request %s: an observer failed", outcome.request_id)


def _model_spec(message: Any) -> Any:
    """The ModelSpec of a request or a response, or None."""
    if message is None:
        return None
    fields = message.DESCRIPTOR.fields_by_name
    if "model_spec" in fields:
        return message.model_spec
    # MultiInference carries one spec in each task and each result, of one and the same model.
    for name in ("tasks", "results"):
        if name in fields and getattr(message, name):
            return getattr(message, name)[0].model_spec
    return None
