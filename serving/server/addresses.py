"""Addresses that a server listens on, IPv4 and IPv6."""

import socket

_ALL = ("0.0.0.0", "::")


def host_and_port(host: str, port: int) -> str:
    """An address as URLs and gRPC write it.

    Example:
        >>> host_and_port("localhost", 8500), host_and_port("::1", 8500)
        ('localhost:8500', '[::1]:8500')
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def listen(host: str, port: int) -> socket.socket:
    """Listens for TCP connections, on all addresses of both kinds where gRPC would.

    Args:
        host: address; `0.0.0.0` or `::` for all.
        port: 0 for any free one.

    Raises:
        OSError: the address cannot be listened on.
    """
    try:
        if host in _ALL and socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise OSError(f"cannot listen on {host_and_port(host, port)}: {error}") from error
