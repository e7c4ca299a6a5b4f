"""The client: finds faces in a video and asks a model server about them."""
