"""Fixtures that several rooms' tests share."""

import os
import pathlib

# tensorflow-transform switches Keras 3 off unless told otherwise before it is imported.
os.environ["TF_USE_LEGACY_KERAS"] = "0"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import pytest

SHARED = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> pathlib.Path:
    """Real clips, boxes and weights that may not be kept in the repository."""
    if not SHARED.is_dir():
        pytest.skip("the shared test media (../shared/data) are not on this machine")
    return SHARED
