"""TLS and mutual TLS, with real handshakes."""

import datetime

import grpc
import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from google.protobuf import text_format
from tensorflow_serving.apis import prediction_service_pb2_grpc

from data.utils.errors import UsageError
from serving.server.grpc_api import tls
from serving.server.protos import ssl_config_pb2


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def server_certificate(authority):
    return authority.issue_cert("localhost")


@pytest.fixture(scope="module")
def client_certificate(authority):
    return authority.issue_cert("client@example.org")


@pytest.fixture
def config(server_certificate):
    return ssl_config_pb2.SSLConfig(
        server_key=server_certificate.private_key_pem.bytes(),
        server_cert=b"".join(pem.bytes() for pem in server_certificate.cert_chain_pems),
    )


@pytest.fixture
def mutual(config, authority):
    config.custom_ca = authority.cert_pem.bytes().decode()
    config.client_verify = True
    return config


def call(server, request, authority, certificate=None):
    own = {}
    if certificate is not None:
        own = {
            "private_key": certificate.private_key_pem.bytes(),
            "certificate_chain": certificate.cert_chain_pems[0].bytes(),
        }
    credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes(), **own)
    with grpc.secure_channel(f"localhost:{server.port}", credentials) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        return stub.Predict(request, timeout=20)


def code_of(function, *arguments):
    with pytest.raises(grpc.RpcError) as error:
        function(*arguments)
    return error.value.code()


def test_who_trusts_the_authority_is_answered(serve, config, authority, ask):
    server = serve(tls=config, host="localhost")
    assert call(server, ask("m"), authority).model_spec.name == "m"


def test_who_does_not_trust_it_or_speaks_no_tls_fails(serve, config, predict_stub, api, ask):
    server = serve(tls=config, host="localhost")
    assert code_of(call, server, ask("m"), trustme.CA()) is grpc.StatusCode.UNAVAILABLE
    assert code_of(predict_stub(server).Predict, ask("m")) is grpc.StatusCode.UNAVAILABLE
    assert api.entered == []


def test_mutual_tls_wants_a_certificate_of_the_authority(
    serve, mutual, authority, client_certificate, api, ask
):
    server = serve(tls=mutual, host="localhost")
    stranger = trustme.CA().issue_cert("client@example.org")
    for certificate in (None, stranger):
        assert code_of(call, server, ask("m"), authority, certificate) is (
            grpc.StatusCode.UNAVAILABLE
        )
    assert api.entered == []
    assert call(server, ask("m"), authority, client_certificate).model_spec.name == "m"


def test_a_text_format_file_is_read(tmp_path, mutual):
    path = tmp_path / "ssl.config"
    path.write_text(text_format.MessageToString(mutual))
    assert tls.read_ssl_config(path) == mutual


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
def test_what_is_wrong_is_named_without_the_key(tmp_path, config, spoil, message):
    spoil(config)
    path = tmp_path / "ssl.config"
    path.write_text(text_format.MessageToString(config))
    with pytest.raises(UsageError, match=message) as error:
        tls.read_ssl_config(path)
    assert str(error.value).startswith(f"{path}: ")
    body = config.server_key.replace("-----", "").split("\n")[1:-2]
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
        tls.read_ssl_config(path)
    assert "c2VjcmV0" not in str(error.value)
