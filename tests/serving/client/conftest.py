"""Faces to ask about, and a front of the server that tests can make fail."""

import pytest

from data.faces import VideoFaces
from data.ledger import Status
from tests.serving.clips import faces_of
from tests.serving.rest_server import RestFront, running


@pytest.fixture
def video(face_jpeg):
    return VideoFaces(Status.OK, "", faces_of(face_jpeg, [0, 20, 40], [255, 204], [51]))


@pytest.fixture
def rest(server):
    """A front of the server, and its address."""
    front = RestFront(server.rest_target)
    with running(front.app) as port:
        yield front, f"http://127.0.0.1:{port}"
