"""TLS of the REST API, from the file that TensorFlow Serving reads for gRPC."""

import pathlib
import ssl
import tempfile

from serving.server.protos import ssl_config_pb2


def server_context(config: ssl_config_pb2.SSLConfig) -> ssl.SSLContext:
    """Makes the TLS context of a REST server.

    Args:
        config: checked by `ssl_config.read`. With `client_verify`, a client without a
            certificate of `custom_ca` fails the handshake.

    Raises:
        ssl.SSLError: a PEM is broken, or key and certificate do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # OpenSSL reads them only from files: in a private folder, removed at once.
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = pathlib.Path(folder, "key.pem"), pathlib.Path(folder, "cert.pem")
        key.write_text(config.server_key)
        certificate.write_text(config.server_cert)
        context.load_cert_chain(certificate, key)
    if config.custom_ca:
        context.load_verify_locations(cadata=config.custom_ca)
    if config.client_verify:
        context.verify_mode = ssl.CERT_REQUIRED
    return context
