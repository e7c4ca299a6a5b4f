"""The exception that becomes a gRPC status."""

import grpc


class StatusError(Exception):
    """A failed request or load, with TensorFlow Serving's code and message.

    Attributes:
        code: gRPC status code.
        message: details of the status, which clients match on.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid_argument(message: str) -> StatusError:
    """An error in the request itself.

    Example:
        >>> invalid_argument("Input is empty.").code.name
        'INVALID_ARGUMENT'
    """
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, message)


_BY_NUMBER: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


def from_number(number: int, message: str) -> StatusError:
    """An error with a canonical code: TensorFlow and gRPC share these numbers.

    Example:
        >>> from_number(5, "no such model").code.name
        'NOT_FOUND'
    """
    return StatusError(_BY_NUMBER[number], message)
