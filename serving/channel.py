"""Settings that the client and the server share."""

MAX_MESSAGE_BYTES = 256 * 2**20
"""Largest request and response. gRPC's own default for receiving, 4 MiB, is too small for a few
tracks of faces; TensorFlow Serving takes up to 2 GiB."""
