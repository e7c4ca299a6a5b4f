"""The id of a request, which connects its answer with its lines in the logs."""

import uuid

HEADER = "x-request-id"
"""Metadata of gRPC and header of HTTP that carries the id, in requests and in answers."""

_MAX_CHARACTERS = 128


def choose(sent: str | None) -> str:
    """The id that a client gave its request, or a new one.

    Example:
        >>> choose("7f3a")
        '7f3a'
        >>> len(choose(None))
        32

    Args:
        sent: value of the header; None if there is none.

    Returns:
        At most 128 printable ASCII characters.
    """
    if sent and len(sent) <= _MAX_CHARACTERS and sent.isascii() and sent.isprintable():
        return sent
    return uuid.uuid4().hex
