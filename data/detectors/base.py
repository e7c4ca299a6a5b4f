"""What a face detector takes and returns."""

import dataclasses
from typing import Protocol

import numpy as np
import numpy.typing as npt

MAX_FACES = 32
"""Faces of a frame that MTCNN returns at most."""


@dataclasses.dataclass(frozen=True)
class Face:
    """One detected face.

    Attributes:
        box: float32 [4]: x_min, y_min, x_max, y_max in the frame, pixels.
        landmarks: float32 [10]: five points as x, y pairs, pixels: subject's right
            eye, left eye, nose, right and left corner of the mouth. NaN for a point that the
            detector does not know: BlazeFace has no corners of the mouth.
        score: confidence, 0 to 1; not comparable between detectors.
        quarter_turns: by which the frame must be turned counterclockwise to set the face upright.
    """

    box: npt.NDArray[np.float32]
    landmarks: npt.NDArray[np.float32]
    score: float
    quarter_turns: int = 0


class FaceDetector(Protocol):
    """Finds faces in frames of one size.

    It is called from one thread at a time. The same frames give the same faces, bit for bit, and
    the faces of a frame do not depend on the other frames of the call.
    """

    def detect(self, frames: npt.NDArray[np.uint8]) -> list[list[Face]]:
        """Finds the faces of each frame.

        Args:
            frames: uint8 [n, height, width, 3], RGB, 0 to 255, n of 1 or more.

        Returns:
            One list a frame, in any order; empty where there is no face.
        """
