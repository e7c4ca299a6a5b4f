"""Settings that the client and the server share."""

MAX_MESSAGE_BYTES = 256 * 2**20
"""Largest request and response. gRPC's own default for receiving, 4 MiB, is too small for a few
tracks of faces; TensorFlow Serving takes up to 2 GiB."""

MESSAGE_OPTIONS = [
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
]
"""gRPC options for servers and channels."""
