"""Networks that turn a picture into features, one a file."""
