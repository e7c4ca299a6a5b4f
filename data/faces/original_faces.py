"""The faces of a real clip, whose boxes are used for the fakes that were made from it."""

import dataclasses

import numpy as np

from data import contract
from data.detectors import Face
from data.video import Frame

SAME_TIME_S = 0.01
"""An original's face belongs to a fake's frame if their times differ by less."""


@dataclasses.dataclass(frozen=True)
class OriginalFaces:
    """The faces of the real clip that a fake was made from.

    Attributes:
        width: of its frames, pixels, after rotation.
        height: of its frames, pixels, after rotation.
        faces: all its faces, also those that are not usable; their images are not needed.
    """

    width: int
    height: int
    faces: tuple[contract.FaceCrop, ...]

    @property
    def times_s(self) -> list[float]:
        """Presentation times of its frames that hold a face, rising."""
        return sorted({face.time_s for face in self.faces})

    def at(self, frame: Frame) -> list[Face]:
        """Its faces at the time of a fake's frame; none if its frames are of another size."""
        if frame.image.shape[:2] != (self.height, self.width):
            return []
        return [
            Face(np.array(face.box, np.float32), np.array(face.landmarks, np.float32), face.score)
            for face in self.faces
            if abs(face.time_s - frame.time_s) < SAME_TIME_S
        ]
