"""Just enough HTTP/2 to begin a gRPC call on a bare socket (RFC 9113, RFC 7541)."""

import struct

END_STREAM = 1


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """One frame: DATA is kind 0, HEADERS 1, SETTINGS 4."""
    header = struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream)
    return header + payload


def begin_call(path: str, data: bytes) -> bytes:
    """A new connection with one call, whose message may go on in further DATA frames.

    Args:
        path: `/package.Service/Method`.
        data: the beginning of the message, with the five bytes that gRPC puts before it.
    """
    headers = (
        b"\x83\x86"  # POST, http
        + b"\x04" + _text(path.encode())
        + b"\x01" + _text(b"localhost")
        + b"\x0f\x10" + _text(b"application/grpc")
        + b"\x00" + _text(b"te") + _text(b"trailers")
    )  # fmt: skip
    return (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        + frame(4, 0, 0, b"")
        + frame(1, 4, 1, headers)
        + frame(0, 0, 1, data)
    )


def _text(value: bytes) -> bytes:
    assert len(value) < 127
    return bytes([len(value)]) + value
