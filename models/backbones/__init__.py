"""Networks that turn an image into features, one a file."""
