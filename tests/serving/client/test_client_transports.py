"""The same answers over gRPC and REST, blocking and not, encrypted or not."""

import asyncio
import concurrent.futures
import dataclasses
import itertools

import grpc
import pytest
import trustme
from tensorflow_serving.apis import prediction_service_pb2_grpc

from data.faces.extract import VideoFaces
from data.ledger import Status
from data.utils.errors import UsageError
from serving.client.async_client import AsyncClient
from serving.client.client import Client
from serving.client.connection import Tls
from serving.client.errors import ServingError
from serving.prediction import Verdict
from serving.server.options import ServerOptions
from serving.server.protos import ssl_config_pb2
from serving.server.server import Server
from tests.serving.clips import faces_of
from tests.serving.rest_server import RestFront, running

pytestmark = pytest.mark.slow

TORN = b"\x89PNG\r\n\x1a\n torn"


def ask_blocking(target, video, model="tiny", **options):
    with Client(target, model, **options) as client:
        return client.predict_faces("clip.mp4", video)


def ask_async(target, video, model="tiny", **options):
    async def ask():
        async with AsyncClient(target, model, **options) as client:
            return await client.predict_faces("clip.mp4", video)

    return asyncio.run(ask())


either_client = pytest.mark.parametrize("ask", [ask_blocking, ask_async])


@pytest.fixture
def video(face_jpeg):
    return VideoFaces(Status.OK, "", faces_of(face_jpeg, [0, 20, 40], [255, 204], [51]))


@pytest.fixture
def rest(server):
    """A front of the server, and its address."""
    front = RestFront(server.rest_target)
    with running(front.app) as port:
        yield front, f"http://127.0.0.1:{port}"


def test_all_four_ways_give_the_same_answer(server, rest, video, face_jpeg):
    _, url = rest
    torn = VideoFaces(Status.OK, "", faces_of(lambda _: TORN, [1]))
    for asked in (video, torn, VideoFaces(Status.NO_FACE, "why")):
        ways = itertools.product((ask_blocking, ask_async), (server.target, url))
        answers = [ask(target, asked) for ask, target in ways]
        assert answers[1:] == answers[:1] * 3
    assert ask_blocking(url, video).verdict is Verdict.FAKE
    assert ask_blocking(url, video).model_version == 1
    assert ask_blocking(url, torn).verdict is Verdict.ABSTAIN


@either_client
@pytest.mark.parametrize("over", ["grpc", "rest"])
def test_an_unknown_model_is_named(server, rest, video, ask, over):
    target = server.target if over == "grpc" else rest[1]
    with pytest.raises(ServingError, match="Servable not found for request") as caught:
        ask(target, video, model="no body?")
    assert caught.value.code is grpc.StatusCode.NOT_FOUND
    assert (caught.value.target, caught.value.model) == (target, "no body?")
    assert "Latest(no body?)" in str(caught.value)


@either_client
@pytest.mark.parametrize("over", ["grpc", "rest"])
def test_requests_are_split_at_the_limit(server, rest, video, ask, over):
    front, url = rest
    target = server.target if over == "grpc" else url
    whole = ask(target, video)
    largest = max(
        sum(len(face.image) for face in video.faces if face.track == track) for track in range(3)
    )
    pictures = largest if over == "grpc" else largest // 3 * 4 + 8
    front.requests.clear()
    assert ask(target, video, max_message_bytes=2**16 + pictures) == whole
    if over == "rest":
        assert [method for method, *_ in front.requests].count("POST") > 1
        assert all(size <= 2**16 + pictures for *_, size in front.requests)
    with pytest.raises(ServingError, match="one row of a request takes") as caught:
        ask(target, video, max_message_bytes=2**16 + 8)
    assert caught.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED


@either_client
@pytest.mark.parametrize("status", [429, 503])
def test_http_that_says_later_is_asked_again(rest, video, ask, status):
    front, url = rest
    front.failures = [(status, '{"error": "queue full"}')] * 2
    assert ask(url, video).verdict is Verdict.FAKE
    assert len(front.requests) == 2 + 2


@either_client
@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, '{"error": "x"}', grpc.StatusCode.INVALID_ARGUMENT),
        (403, "", grpc.StatusCode.PERMISSION_DENIED),
        (404, "<html>nginx</html>", grpc.StatusCode.UNIMPLEMENTED),
        (413, "", grpc.StatusCode.RESOURCE_EXHAUSTED),
        (418, "", grpc.StatusCode.UNKNOWN),
        (500, "", grpc.StatusCode.INTERNAL),
        (504, '{"error": "late"}', grpc.StatusCode.DEADLINE_EXCEEDED),
        (200, "<html>login</html>", grpc.StatusCode.UNIMPLEMENTED),
        (200, '{"predictions": []}', grpc.StatusCode.UNIMPLEMENTED),
    ],
)
def test_other_http_failures_are_told_at_once(rest, video, ask, status, body, code):
    front, url = rest
    front.failures = [(status, body)]
    with pytest.raises(ServingError) as caught:
        ask(url, video)
    assert caught.value.code is code
    assert len(front.requests) == 1


@either_client
def test_an_answer_larger_than_the_limit_is_not_read(rest, video, ask):
    front, url = rest
    front.failures = [(200, "x" * 2**18)]
    with pytest.raises(ServingError, match="the answer is larger than 131072 bytes"):
        ask(url, video, max_message_bytes=2**17)


@either_client
def test_nobody_listens(video, ask):
    with pytest.raises(ServingError, match="the server cannot be reached") as caught:
        ask("http://127.0.0.1:9", video, timeout_s=0.5)
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE


# TLS and tokens.


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
        Client(target, "tiny", **options)


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
