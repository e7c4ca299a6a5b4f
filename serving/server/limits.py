"""The limits that a server holds requests to."""

import dataclasses

from data.utils.errors import UsageError
from serving.channel import MAX_MESSAGE_BYTES


@dataclasses.dataclass(frozen=True)
class Limits:
    """The limits of a server.

    Attributes:
        max_requests: requests under way at a time, whether they arrive, wait or compute. One
            more is refused with RESOURCE_EXHAUSTED, as TensorFlow Serving's gRPC answers beyond
            its `--grpc_max_threads`. UNAVAILABLE stands for a full batching queue and for a
            server that shuts down.
        max_message_bytes: largest request and response; gRPC answers RESOURCE_EXHAUSTED.
        receive_timeout_s: seconds in which the message of a request must arrive; then the call
            is cancelled, because it holds a thread.
        max_wait_s: seconds that a request may wait for a thread, whatever its own deadline;
            then DEADLINE_EXCEEDED. None for as long as its deadline allows.

    Raises:
        UsageError: a limit is not positive.
    """

    max_requests: int = 1024
    max_message_bytes: int = MAX_MESSAGE_BYTES
    receive_timeout_s: float = 60.0
    max_wait_s: float | None = None

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is not None and value <= 0:
                raise UsageError(f"{field.name} is {value}; it must be above 0")
