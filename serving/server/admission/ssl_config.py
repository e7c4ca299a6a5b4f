"""Reads and checks TensorFlow Serving's `--ssl_config_file`: TLS and mutual TLS."""

import datetime
import os
import pathlib
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from google.protobuf import text_format

from data.utils.errors import UsageError
from serving.server.protos import ssl_config_pb2


def read(path: str | os.PathLike[str]) -> ssl_config_pb2.SSLConfig:
    """Reads and checks a text-format `SSLConfig`.

    Args:
        path: of the file.

    Returns:
        The message.

    Raises:
        UsageError: the file or one of its PEMs is broken; no message quotes the file, which
            holds a private key.
    """
    try:
        text = pathlib.Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise UsageError(f"{path}: cannot read the SSL config: {reason}") from None
    try:
        config = text_format.Parse(text, ssl_config_pb2.SSLConfig())
    except text_format.ParseError as error:
        raise UsageError(
            f"{path}: line {error.GetLine()} is no text-format SSLConfig; it has the fields "
            "server_key, server_cert, custom_ca (PEM texts in quotes, lines joined by \\n) and "
            "client_verify"
        ) from None
    check(config, str(path))
    return config


def check(config: ssl_config_pb2.SSLConfig, source: str) -> None:
    """Checks that a server can use a config; gRPC's own errors do not say what is wrong.

    Args:
        config: PEM texts.
        source: where the config came from, named in errors.

    Raises:
        UsageError: a PEM is missing, broken, encrypted or expired, the key is not the
            certificate's, or clients are to be verified against no authority.
    """
    for field in ("server_key", "server_cert"):
        if not getattr(config, field):
            raise UsageError(f"{source}: {field} is missing")
    key = _load_key(config.server_key, source)
    certificate = _load_certificates(config.server_cert, "server_cert", source)[0]
    if _public_bytes(key.public_key()) != _public_bytes(certificate.public_key()):
        raise UsageError(
            f"{source}: server_key is not the key of server_cert's first certificate; the "
            "server's own certificate comes first, then those that signed it"
        )
    expiry = certificate.not_valid_after_utc
    if expiry < datetime.datetime.now(datetime.timezone.utc):
        raise UsageError(f"{source}: server_cert expired on {expiry:%Y-%m-%d}; renew it")
    if config.custom_ca:
        _load_certificates(config.custom_ca, "custom_ca", source)
    elif config.client_verify:
        raise UsageError(
            f"{source}: client_verify needs custom_ca, the authority that signs the clients' "
            "certificates"
        )


def _load_key(pem: str, source: str) -> Any:
    _check_form(pem, "server_key", source)
    try:
        return serialization.load_pem_private_key(pem.encode(), password=None)
    except TypeError:
        raise UsageError(
            f"{source}: server_key is encrypted; remove its passphrase with `openssl pkey` and "
            "protect the file by its permissions"
        ) from None
    except ValueError:
        raise UsageError(f"{source}: server_key is no private key: {_content(pem)}") from None


def _load_certificates(pem: str, field: str, source: str) -> list[x509.Certificate]:
    _check_form(pem, field, source)
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        raise UsageError(f"{source}: {field} is no certificate: {_content(pem)}") from None


def _check_form(pem: str, field: str, source: str) -> None:
    """Raises if a text is no PEM; `cryptography` accepts forms that gRPC does not."""
    if "-----BEGIN" not in pem:
        problem = "there is no -----BEGIN line; the value is the PEM's text, not a path"
    elif "-----END" not in pem:
        problem = "its -----END line is missing"
    elif "\n" not in pem.strip():
        problem = "its line breaks are lost; write them as \\n"
    else:
        return
    raise UsageError(f"{source}: {field} is no PEM: {problem}")


def _content(pem: str) -> str:
    """Names the kind of an unexpected PEM without quoting its content."""
    kind = pem.partition("-----BEGIN ")[2].partition("-----")[0]
    return f"it is a damaged or unsuitable {kind.lower()}"


def _public_bytes(key: Any) -> bytes:
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
