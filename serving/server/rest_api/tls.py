"""TLS of the REST API, from the file that TensorFlow Serving takes for gRPC."""

import pathlib
import ssl
import tempfile


def server_context(
    server_key: str, server_cert: str, custom_ca: str = "", client_verify: bool = False
) -> ssl.SSLContext:
    """Reads the values of an `SSLConfig`, each a PEM.

    Args:
        server_key: private key.
        server_cert: its certificate, and those in between up to the authority's.
        custom_ca: certificate authority of clients.
        client_verify: a client without a certificate of `custom_ca`, which must be given then,
            fails the handshake.

    Returns:
        For `RestServer`.

    Raises:
        ssl.SSLError: a PEM is broken, or key and certificate do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # OpenSSL reads them from files alone; these are ours alone and gone at once.
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = pathlib.Path(folder, "key.pem"), pathlib.Path(folder, "cert.pem")
        key.write_text(server_key)
        certificate.write_text(server_cert)
        context.load_cert_chain(certificate, key)
    if custom_ca:
        context.load_verify_locations(cadata=custom_ca)
    if client_verify:
        context.verify_mode = ssl.CERT_REQUIRED
    return context
