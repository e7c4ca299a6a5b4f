"""Options of the commands that ask a server: its address, certificates and token."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Annotated

import typer

from data.utils.errors import UsageError

if TYPE_CHECKING:
    from serving.audit import OptionsRecord
    from serving.client import Client, Tls

SERVER_HELP = "HOST:PORT of the model server for gRPC; http://HOST:PORT or https:// for REST."

RootCertificates = Annotated[
    pathlib.Path | None,
    typer.Option(help="PEM of the authority that signed the server's certificate; encrypts."),
]
ClientCertificate = Annotated[
    pathlib.Path | None,
    typer.Option(help="PEM of your own certificate, for a server that asks for one."),
]
ClientKey = Annotated[pathlib.Path | None, typer.Option(help="PEM of that certificate's key.")]
TokenFile = Annotated[
    pathlib.Path | None,
    typer.Option(help="File whose one line is the bearer token, for a server that asks for one."),
]


def connect(
    server: str,
    options: OptionsRecord,
    root_certificates: pathlib.Path | None,
    client_certificate: pathlib.Path | None,
    client_key: pathlib.Path | None,
    token_file: pathlib.Path | None,
) -> Client:
    """Makes the client of a command, from its options.

    Raises:
        UsageError: a file cannot be used.
    """
    from serving.client import Client

    return Client(
        server,
        options.model,
        ask=options.ask,
        options=options.faces,
        large_face_share=options.large_face_share,
        tls=read_tls(root_certificates, client_certificate, client_key),
        token=read_token(token_file),
    )


def read_tls(
    root_certificates: pathlib.Path | None,
    client_certificate: pathlib.Path | None,
    client_key: pathlib.Path | None,
) -> Tls | None:
    """Makes the TLS settings of the options; None if all are None.

    Raises:
        UsageError: a file cannot be used.
    """
    from serving.client import Tls

    if root_certificates is client_certificate is client_key is None:
        return None
    return Tls(root_certificates, client_certificate, client_key)


def read_token(path: pathlib.Path | None) -> str | None:
    """Reads the token in a file; None if `path` is None.

    Raises:
        UsageError: the file cannot be read or does not hold one word. The message does not
            quote it.
    """
    if path is None:
        return None
    try:
        lines = path.read_text("utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot read the bearer token: {error}") from error
    if len(lines) != 1:
        raise UsageError(f"{path}: holds {len(lines)} words; it must be one token alone")
    return lines[0]
