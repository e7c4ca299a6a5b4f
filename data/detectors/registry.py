"""Face detectors by name."""

from data.detectors.base import FaceDetector
from data.errors import UsageError

NAMES = ("mtcnn",)


def create(name: str) -> FaceDetector:
    """Makes a detector.

    Args:
        name: one of `NAMES`.

    Raises:
        UsageError: there is no detector of this name.
    """
    if name == "mtcnn":
        # Imports TensorFlow, which a command's --help must not pay for.
        from data.detectors.mtcnn import Mtcnn

        return Mtcnn()
    raise UsageError(f"unknown detector '{name}': choose one of {', '.join(NAMES)}")
