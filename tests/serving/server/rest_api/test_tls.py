"""The REST API over TLS and mutual TLS."""

import ssl

import httpx
import pytest
import trustme

from serving.server.rest_api import tls as rest_tls
from tests.serving.server import rest_model


def client_context(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_https_answers(authority, tls_config):
    with rest_model.serve(tls=rest_tls.server_context(tls_config)) as url:
        secure = url.replace("http://", "https://")
        response = httpx.get(secure, verify=client_context(authority))
        assert response.status_code == 200
        with pytest.raises(httpx.TransportError):
            httpx.get(url)
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(secure)


def test_a_client_without_certificate_fails_the_handshake(authority, mutual_tls_config):
    context = rest_tls.server_context(mutual_tls_config)
    with rest_model.serve(tls=context) as url:
        secure = url.replace("http://", "https://")
        known, stranger = client_context(authority), client_context(authority)
        authority.issue_cert("client").configure_cert(known)
        trustme.CA().issue_cert("client").configure_cert(stranger)
        assert httpx.get(secure, verify=known).status_code == 200
        for refused in (client_context(authority), stranger):
            with pytest.raises(httpx.TransportError):
                httpx.get(secure, verify=refused)


def test_a_key_of_another_certificate_is_an_error(authority, tls_config):
    tls_config.server_key = authority.issue_cert("other").private_key_pem.bytes().decode()
    with pytest.raises(ssl.SSLError):
        rest_tls.server_context(tls_config)
