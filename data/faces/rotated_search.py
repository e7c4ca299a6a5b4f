"""Finds faces that lie on their side or stand on their head."""

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from data.detectors import Face, FaceDetector


def find_faces(
    detector: FaceDetector, image: npt.NDArray[np.uint8], *, rotated: bool
) -> list[Face]:
    """Finds the faces of a frame.

    Args:
        detector: finds upright faces.
        image: uint8 [height, width, 3], RGB.
        rotated: whether a frame without an upright face is searched again at 90, 180 and 270
            degrees. Of these the one with the largest and surest faces counts.

    Returns:
        The faces, with boxes and landmarks in the frame as it is.
    """
    faces = detector.detect(image[np.newaxis])[0]
    if faces or not rotated:
        return faces
    return max((_search(detector, image, turns) for turns in (1, 3, 2)), key=_evidence)


def _search(detector: FaceDetector, image: npt.NDArray[np.uint8], turns: int) -> list[Face]:
    """The faces of a frame that is turned by quarters, counterclockwise."""
    turned = np.ascontiguousarray(np.rot90(image, turns))
    return [_turn_back(face, turns, image.shape) for face in detector.detect(turned[np.newaxis])[0]]


def _turn_back(face: Face, turns: int, shape: tuple[int, ...]) -> Face:
    corners = _points_before(face.box.reshape(2, 2), turns, shape)
    return dataclasses.replace(
        face,
        box=np.concatenate([corners.min(axis=0), corners.max(axis=0)]).astype(np.float32),
        landmarks=_points_before(face.landmarks.reshape(5, 2), turns, shape).reshape(10),
        quarter_turns=turns,
    )


def _points_before(
    points: npt.NDArray[np.float32], turns: int, shape: tuple[int, ...]
) -> npt.NDArray[np.float32]:
    """Where points [n, 2], x and y, of a turned frame were before.

    Example:
        >>> _points_before(np.float32([[0, 0]]), 1, (480, 640, 3)).tolist()
        [[639.0, 0.0]]
    """
    height, width = shape[:2]
    x, y = points[:, 0], points[:, 1]
    before = {1: (width - 1 - y, x), 2: (width - 1 - x, height - 1 - y), 3: (y, height - 1 - x)}
    return np.stack(before[turns], axis=-1).astype(np.float32)


def _evidence(faces: list[Face]) -> float:
    """Sum of size and log odds: the wrong way up, a face may pass for one too, but hardly."""
    sizes = [float(np.sqrt(np.prod(face.box[2:] - face.box[:2]))) for face in faces]
    doubts = [max(1.0 - face.score, 1e-6) for face in faces]
    return sum(size * -math.log(doubt) for size, doubt in zip(sizes, doubts, strict=True))
