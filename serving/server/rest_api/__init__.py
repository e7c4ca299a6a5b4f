"""The REST transport: between JSON and the API's messages."""
