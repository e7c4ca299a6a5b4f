"""The value of `--grpc_channel_arguments`."""

from data.utils.errors import UsageError

_INT32 = range(-(2**31), 2**31)


def parse(text: str) -> dict[str, int | str]:
    """Reads channel arguments as TensorFlow Serving does (`server.cc`).

    Example:
        >>> parse("grpc.max_connection_age_ms=2000,grpc.primary_user_agent=tests")
        {'grpc.max_connection_age_ms': 2000, 'grpc.primary_user_agent': 'tests'}

    Args:
        text: `name=value` pairs with commas between.

    Returns:
        Values by name; an int if the value is a 32-bit integer, as gRPC has no other types.

    Raises:
        UsageError: a piece of the text is not such a pair.
    """
    arguments: dict[str, int | str] = {}
    for piece in text.split(",") if text else []:
        name, equals, value = piece.partition("=")
        if not (name and equals):
            raise UsageError(
                f"--grpc_channel_arguments: '{piece}' is not NAME=VALUE; "
                "write for example grpc.max_connection_age_ms=2000,grpc.so_reuseport=0"
            )
        arguments[name] = _typed(value)
    return arguments


def _typed(value: str) -> int | str:
    """A value as an integer if it is one, otherwise as text."""
    try:
        number = int(value)
    except ValueError:
        return value
    return number if number in _INT32 else value
