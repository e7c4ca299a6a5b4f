"""What is told of a request once it is answered, whatever transport it came by."""

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
        method: of the API, such as `Predict`; of a request that was refused unread, the name
            that it asked for.
        request_id: the client's own, or one made up; the answer carries it.
        code: gRPC status code of the answer.
        message: of the error; empty where there is none. An INVALID_ARGUMENT may quote what
            the client sent.
        seconds: from the request's arrival to its answer, waiting included.
        request: the message; None where it was not read.
        response: the message; None where there is none.
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
        """Name of the model that was asked for; empty where none was."""
        return getattr(_model_spec(self.request), "name", "")

    @property
    def version(self) -> int | None:
        """The version that answered, else the one that was asked for; None if unknown."""
        for message in (self.response, self.request):
            spec = _model_spec(message)
            if spec is not None and spec.HasField("version"):
                return spec.version.value
        return None


Observer = Callable[[Outcome], None]
"""Is told of every answer, from the thread that answers: must be quick."""


def tell(observers: Sequence[Observer], outcome: Outcome) -> None:
    """Tells every observer of an answer; one that fails is logged and harms no request."""
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
