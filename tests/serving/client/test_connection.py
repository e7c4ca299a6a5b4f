"""TLS and tokens, over gRPC and REST."""

import concurrent.futures
import dataclasses

import grpc
import pytest
import trustme
from tensorflow_serving.apis import prediction_service_pb2_grpc

from data.utils.errors import UsageError
from serving.client import Client
from serving.client.connection import Connection, Tls
from serving.client.errors import ServingError
from serving.prediction import Verdict
from serving.server.options import ServerOptions
from serving.server.protos import ssl_config_pb2
from serving.server.server import Server
from tests.serving.client.asking import either_client

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """PEM files: the authority, the server's and a client's certificates and keys."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other_ca.pem")
    for name, identity in (("server", "localhost"), ("client", "client@example.org")):
        issued = authority.issue_cert(identity)
        issued.private_key_pem.write_to_path(folder / f"{name}.key")
        issued.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
    return folder


@pytest.fixture
def secured(server, certificates, tmp_path):
    """The same models for clients with a certificate and a token alone."""
    (tmp_path / "tokens").write_text("secret\n")
    config = ssl_config_pb2.SSLConfig(
        server_key=(certificates / "server.key").read_text(),
        server_cert=(certificates / "server.pem").read_text(),
        custom_ca=(certificates / "ca.pem").read_text(),
        client_verify=True,
    )
    options = ServerOptions(
        serving_root=tmp_path / "serving",
        host="localhost",
        port=0,
        rest_api_port=0,
        ssl_config=config,
        bearer_token_file=tmp_path / "tokens",
    )
    with Server(options) as running_server:
        yield running_server


@either_client
@pytest.mark.parametrize("over", ["grpc", "rest"])
def test_only_the_right_certificates_connect(secured, certificates, video, ask, over):
    target = secured.target if over == "grpc" else f"https://{secured.rest_target}"
    right = Tls(*(certificates / name for name in ("ca.pem", "client.pem", "client.key")))
    other_authority = dataclasses.replace(right, root_certificates=certificates / "other_ca.pem")
    no_certificate = Tls(certificates / "ca.pem")
    assert ask(target, video, tls=right, token="secret").verdict is Verdict.FAKE
    for tls, host, message in (
        (other_authority, "localhost", "the TLS handshake failed: give the authority"),
        (right, "127.0.0.1", "the TLS handshake failed: give the authority"),
        (no_certificate, "localhost", "or a client's certificate, answers nothing without"),
    ):
        with pytest.raises(ServingError, match=message) as caught:
            ask(target.replace("localhost", host), video, tls=tls, token="secret", timeout_s=1.0)
        assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    for token in ("wrong", None):
        with pytest.raises(ServingError, match="the server wants a token") as caught:
            ask(target, video, tls=right, token=token)
        assert caught.value.code is grpc.StatusCode.UNAUTHENTICATED
        assert "wrong" not in str(caught.value)


class TokenService(prediction_service_pb2_grpc.PredictionServiceServicer):
    def GetModelMetadata(self, request, context):
        sent = dict(context.invocation_metadata()).get("authorization")
        context.abort(grpc.StatusCode.UNAUTHENTICATED, f"sent {sent}")


@either_client
def test_a_token_goes_over_grpc(video, ask):
    front = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(TokenService(), front)
    port = front.add_insecure_port("localhost:0")
    front.start()
    try:
        with pytest.raises(ServingError, match="sent Bearer secret"):
            ask(f"localhost:{port}", video, token="secret")
    finally:
        front.stop(None)


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("http://localhost:1", {"tls": Tls()}, "TLS needs https"),
        ("example.org:8500", {"token": "t"}, "not sent unencrypted"),
        ("http://example.org:8501", {"token": "t"}, "not sent unencrypted"),
        ("localhost:1", {"token": "a b"}, "printable ASCII without spaces"),
        ("localhost:1", {"token": "a\n"}, "printable ASCII without spaces"),
    ],
)
def test_what_does_not_fit_together_is_said_before_anything_is_sent(target, options, message):
    with pytest.raises(UsageError, match=message):
        Connection(target, "tiny", **options)


@pytest.mark.parametrize(
    ("connection", "is_rest", "encrypted", "max_image_bytes"),
    [
        (Connection("host:1", "m", max_message_bytes=2**17), False, False, 2**16),
        (Connection("host:1", "m", Tls(), max_message_bytes=2**17), False, True, 2**16),
        (Connection("http://host:1", "m", max_message_bytes=2**17), True, False, 3 * 2**14),
        (Connection("https://host:1", "m", max_message_bytes=2**17), True, True, 3 * 2**14),
    ],
)
def test_what_follows_from_an_address(connection, is_rest, encrypted, max_image_bytes):
    assert (connection.is_rest, connection.encrypted) == (is_rest, encrypted)
    assert connection.max_image_bytes == max_image_bytes


def test_a_token_is_a_header_and_not_shown():
    connection = Connection("https://host:1", "m", token="secret")
    assert connection.headers == {"authorization": "Bearer secret"}
    assert "secret" not in repr(connection)
    assert Connection("host:1", "m").headers == {}


def test_files_that_are_no_certificates_are_named(tmp_path, certificates):
    (tmp_path / "text.pem").write_text("no certificate")
    for arguments, message in (
        ([tmp_path / "text.pem"], "text.pem: no root certificates"),
        ([tmp_path / "none.pem"], "none.pem: no root certificates"),
        ([None, certificates / "client.pem"], "needs its key"),
        ([None, certificates / "client.pem", certificates / "server.key"], "client.pem, .*server"),
    ):
        with pytest.raises(UsageError, match=message):
            Tls(*arguments)


@pytest.mark.parametrize(
    ("target", "environment", "proxy"),
    [
        ("far.example:8500", {}, None),
        ("far.example:8500", {"http_proxy": "http://p:3128"}, "http://p:3128"),
        ("http://far.example:8501", {"http_proxy": "http://p:3128"}, "http://p:3128"),
        ("https://far.example:8501", {"http_proxy": "http://p:3128"}, None),
        ("far.example:8500", {"http_proxy": "http://p:3128", "no_proxy": "far.example"}, None),
        ("localhost:8500", {"http_proxy": "http://p:3128"}, None),
        ("[::1]:8500", {"http_proxy": "http://p:3128"}, None),
        ("http://127.0.0.1:8501", {"http_proxy": "http://p:3128"}, None),
    ],
)
def test_the_proxy_on_the_way(target, environment, proxy, without_proxies, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Connection(target, "m").proxy == proxy


@pytest.fixture
def without_proxies(monkeypatch):
    for name in ("http", "https", "grpc", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)


@pytest.mark.parametrize("scheme", ["", "http://"])
def test_no_proxy_stands_before_a_server_of_this_machine(
    server, scheme, without_proxies, monkeypatch
):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    target = f"http://{server.rest_target}" if scheme else server.target
    with Client(target, "tiny") as client:
        assert client.track_width() == 4


@pytest.mark.parametrize("scheme", ["", "http://"])
def test_an_error_names_the_proxy(scheme, without_proxies, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr("serving.client.session.METADATA_TIMEOUT_S", 1.0)
    with (
        Client(f"{scheme}far.invalid:8500", "tiny") as client,
        pytest.raises(ServingError, match=r"asked through the proxy http://127\.0\.0\.1:9"),
    ):
        client.track_width()
