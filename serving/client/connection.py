"""How a client reaches a model server, and proves who it is."""

import dataclasses
import os
import pathlib
import ssl
import urllib.parse
import urllib.request

import grpc

from data.utils.errors import UsageError
from serving.channel import MAX_MESSAGE_BYTES

_OVERHEAD_BYTES = 64 * 2**10
"""Reserved in a request for all but the images: names, lengths, brackets."""

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclasses.dataclass(frozen=True)
class Tls:
    """PEM files for an encrypted connection.

    Attributes:
        root_certificates: of the authorities that may sign the server's certificate; None for
            those that come with gRPC, or with the system for https.
        client_certificate: of the client itself, for a server that asks for one (mutual TLS).
        client_key: the key of `client_certificate`.

    Raises:
        UsageError: a file cannot be used.
    """

    root_certificates: str | os.PathLike[str] | None = None
    client_certificate: str | os.PathLike[str] | None = None
    client_key: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        if (self.client_certificate is None) != (self.client_key is None):
            raise UsageError("a client certificate needs its key and a key its certificate")
        self.ssl_context()  # gRPC would accept broken files and fail at every call

    def ssl_context(self) -> ssl.SSLContext:
        """For HTTPS."""
        try:
            context = ssl.create_default_context(cafile=self.root_certificates)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(
                f"{self.root_certificates}: no root certificates in PEM form ({error}); it is the "
                "file of the authority that signed the server's certificate"
            ) from error
        if self.client_certificate is not None:
            try:
                context.load_cert_chain(self.client_certificate, self.client_key)
            except (OSError, ssl.SSLError) as error:
                raise UsageError(
                    f"{self.client_certificate}, {self.client_key}: no certificate with its key "
                    f"in PEM form ({error})"
                ) from error
        return context

    def grpc_credentials(self) -> grpc.ChannelCredentials:
        """For gRPC."""
        return grpc.ssl_channel_credentials(
            _read(self.root_certificates), _read(self.client_key), _read(self.client_certificate)
        )


@dataclasses.dataclass(frozen=True)
class Connection:
    """Which server and model to ask, and how; the attributes are arguments of `BaseClient`.

    Raises:
        UsageError: they contradict each other, or the token would be sent over a network
            unencrypted (RFC 6750, 5.3, forbids it).
    """

    target: str
    model: str
    tls: Tls | None = None
    token: str | None = dataclasses.field(default=None, repr=False)
    max_message_bytes: int = MAX_MESSAGE_BYTES

    def __post_init__(self) -> None:
        if self._url.scheme == "http" and self.tls is not None:
            raise UsageError(f"{self.target}: TLS needs https:// instead of http://")
        if self.token is None:
            return
        if not self.token.isascii() or not self.token.isprintable() or " " in self.token:
            raise UsageError("the bearer token must be printable ASCII without spaces")
        if not self.encrypted and not self.is_local:
            raise UsageError(
                f"{self.target}: a bearer token is not sent unencrypted over a network; give "
                "`tls`, or an https:// address"
            )

    @property
    def is_rest(self) -> bool:
        """Whether the server is asked over REST."""
        return self.target.startswith(("http://", "https://"))

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine, which no proxy reaches."""
        return self._url.hostname in _LOOPBACK

    @property
    def proxy(self) -> str | None:
        """Address of the proxy that the environment names for this server; None without one."""
        host, proxies = self._url.hostname or "", urllib.request.getproxies()
        if self.is_local or urllib.request.proxy_bypass(host):
            return None
        # gRPC takes the first of these, httpx that of the scheme.
        names = (self._url.scheme, "all") if self.is_rest else ("grpc", "https", "http")
        return next((proxies[name] for name in names if name in proxies), None)

    @property
    def _url(self) -> urllib.parse.SplitResult:
        return urllib.parse.urlsplit(self.target if self.is_rest else f"grpc://{self.target}")

    @property
    def max_image_bytes(self) -> int:
        """Largest sum of the images of one request; REST's JSON holds them as base64."""
        available = self.max_message_bytes - _OVERHEAD_BYTES
        return available // 4 * 3 if self.is_rest else available

    @property
    def encrypted(self) -> bool:
        """Whether messages are encrypted."""
        return self.tls is not None or self.target.startswith("https://")

    @property
    def headers(self) -> dict[str, str]:
        """Headers of every call, in lower case as gRPC wants them."""
        return {} if self.token is None else {"authorization": f"Bearer {self.token}"}


def _read(path: str | os.PathLike[str] | None) -> bytes | None:
    return None if path is None else pathlib.Path(path).read_bytes()
