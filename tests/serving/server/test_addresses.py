"""Sockets on IPv4, on IPv6 and on both."""

import socket

import pytest

from serving.server import addresses


@pytest.mark.parametrize(
    ("host", "reached"),
    [
        ("127.0.0.1", {"127.0.0.1"}),
        ("::1", {"::1"}),
        ("0.0.0.0", {"127.0.0.1", "::1"}),
        ("::", {"127.0.0.1", "::1"}),
    ],
)
def test_where_a_server_is_reached(host, reached):
    with addresses.listen(host, 0) as listener:
        port = listener.getsockname()[1]

        def connects(address):
            try:
                socket.create_connection((address, port), 10).close()
            except ConnectionRefusedError:
                return False
            return True

        assert {address for address in ("127.0.0.1", "::1") if connects(address)} == reached


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_that_is_taken_is_named(host):
    with addresses.listen(host, 0) as listener:
        port = listener.getsockname()[1]
        address = addresses.host_and_port(host, port)
        with pytest.raises(OSError, match=f"cannot listen on .*:{port}: ") as caught:
            addresses.listen(host, port)
        assert address in str(caught.value)
