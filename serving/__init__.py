"""Serving: the embedded server and the client; neither knows how a model was made."""
