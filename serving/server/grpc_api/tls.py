"""TLS of the gRPC server."""

import grpc

from serving.server.protos import ssl_config_pb2


def server_credentials(config: ssl_config_pb2.SSLConfig) -> grpc.ServerCredentials:
    """Credentials for a gRPC server.

    Args:
        config: checked by `ssl_config.read`. With `client_verify`, a peer without a
            certificate of `custom_ca` fails the handshake.
    """
    return grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        root_certificates=config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )
