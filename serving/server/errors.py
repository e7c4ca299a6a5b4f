"""The one exception that becomes a gRPC status."""

import grpc


class StatusError(Exception):
    """A request or a load that failed, in TensorFlow Serving's words.

    Attributes:
        code: gRPC status code.
        message: the status' details, which clients match on.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid_argument(message: str) -> StatusError:
    """An error whose cause is the request itself."""
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, message)


_BY_NUMBER: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


def from_number(number: int, message: str) -> StatusError:
    """An error of a canonical code, the numbers that TensorFlow and gRPC share."""
    return StatusError(_BY_NUMBER[number], message)
