import datetime

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from google.protobuf import text_format

from data.utils.errors import UsageError
from serving.server.admission import ssl_config


def test_a_text_format_file_is_read(tmp_path, mutual_tls_config):
    path = tmp_path / "ssl.config"
    path.write_text(text_format.MessageToString(mutual_tls_config))
    assert ssl_config.read(path) == mutual_tls_config


def set_key(text):
    return lambda config: setattr(config, "server_key", text)


def drop_middle(pem):
    lines = pem.splitlines()
    return "\n".join([*lines[:2], *lines[3:]])


def encrypt(config):
    key = serialization.load_pem_private_key(config.server_key.encode(), None)
    config.server_key = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    ).decode()


def expire(config):
    past = datetime.datetime(2001, 2, 3, tzinfo=datetime.timezone.utc)
    certificate = trustme.CA().issue_cert("localhost", not_after=past)
    config.server_key = certificate.private_key_pem.bytes().decode()
    config.server_cert = certificate.cert_chain_pems[0].bytes().decode()


WRONG = {
    "no key": (lambda c: c.ClearField("server_key"), "server_key is missing"),
    "no certificate": (lambda c: c.ClearField("server_cert"), "server_cert is missing"),
    "a path": (set_key("/etc/tls/key.pem"), "server_key is .* no -----BEGIN line.*not a path"),
    "torn": (
        lambda c: setattr(c, "server_key", c.server_key[:200]),
        "server_key is .*-----END line is missing",
    ),
    "one line": (
        lambda c: setattr(c, "server_key", c.server_key.replace("\n", "")),
        "server_key is .*line breaks are lost",
    ),
    "damaged": (
        lambda c: setattr(c, "server_key", drop_middle(c.server_key)),
        "server_key is no private key: .*damaged",
    ),
    "certificate as key": (
        lambda c: setattr(c, "server_key", c.server_cert),
        "server_key is no private key: .*unsuitable certificate",
    ),
    "key as certificate": (
        lambda c: setattr(c, "server_cert", c.server_key),
        "server_cert is no certificate: .*private key",
    ),
    "encrypted": (encrypt, "server_key is encrypted"),
    "another's key": (
        lambda c: setattr(
            c, "server_key", trustme.CA().issue_cert("x").private_key_pem.bytes().decode()
        ),
        "server_key is not the key of server_cert",
    ),
    "expired": (expire, "server_cert expired on 2001-02-03"),
    "no authority": (lambda c: setattr(c, "client_verify", True), "client_verify needs custom_ca"),
    "broken authority": (lambda c: setattr(c, "custom_ca", "x"), "custom_ca is no PEM"),
}


@pytest.mark.parametrize(("spoil", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named_without_the_key(tmp_path, tls_config, spoil, message):
    spoil(tls_config)
    path = tmp_path / "ssl.config"
    path.write_text(text_format.MessageToString(tls_config))
    with pytest.raises(UsageError, match=message) as error:
        ssl_config.read(path)
    assert str(error.value).startswith(f"{path}: ")
    body = tls_config.server_key.replace("-----", "").split("\n")[1:-2]
    assert not any(line in str(error.value) for line in body if line)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read the SSL config: No such file"),
        (b"\xff", "cannot read the SSL config: not UTF-8"),
        (b"client_verify: true\nserver_key: c2VjcmV0\n", "line 2 is no text-format SSLConfig"),
    ],
)
def test_a_file_that_cannot_be_read_is_not_quoted(tmp_path, content, message):
    path = tmp_path / "ssl.config"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=message) as error:
        ssl_config.read(path)
    assert "c2VjcmV0" not in str(error.value)
