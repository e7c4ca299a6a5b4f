"""TLS and mutual TLS, with real handshakes."""

import grpc
import pytest
import trustme
from tensorflow_serving.apis import prediction_service_pb2_grpc


@pytest.fixture(scope="module")
def client_certificate(authority):
    return authority.issue_cert("client@example.org")


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


def test_who_trusts_the_authority_is_answered(serve, tls_config, authority, ask):
    server = serve(tls=tls_config, host="localhost")
    assert call(server, ask("m"), authority).model_spec.name == "m"


def test_who_does_not_trust_it_or_speaks_no_tls_fails(serve, tls_config, predict_stub, api, ask):
    server = serve(tls=tls_config, host="localhost")
    assert code_of(call, server, ask("m"), trustme.CA()) is grpc.StatusCode.UNAVAILABLE
    assert code_of(predict_stub(server).Predict, ask("m")) is grpc.StatusCode.UNAVAILABLE
    assert api.entered == []


def test_mutual_tls_wants_a_certificate_of_the_authority(
    serve, mutual_tls_config, authority, client_certificate, api, ask
):
    server = serve(tls=mutual_tls_config, host="localhost")
    stranger = trustme.CA().issue_cert("client@example.org")
    for certificate in (None, stranger):
        assert code_of(call, server, ask("m"), authority, certificate) is (
            grpc.StatusCode.UNAVAILABLE
        )
    assert api.entered == []
    assert call(server, ask("m"), authority, client_certificate).model_spec.name == "m"
