"""Finds faces in frames: with a detector here, or by asking the server."""

import threading
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from data.detectors import Face, FaceDetector, create_detector
from data.faces import find_faces
from data.video import Frame, UnreadableVideoError
from serving.client.calls import FRAMES, PredictCall

FRAMES_SIGNATURE = "serving_frames"

_FRAMES_PER_CALL = 8
_PIXELS_PER_CALL = 8 * 1920 * 1080  # bounds the memory for very large frames

_MAX_FRAME_SIDE = 8192  # a served model takes no larger frames

_NO_LANDMARKS = np.full(10, np.nan, np.float32)


class LocalDetector:
    """A detector, MTCNN if None, that is made when needed and used by one thread at a time.

    Args:
        detector: MTCNN if None.
        rotated: whether a frame without a face is searched again, turned.
    """

    def __init__(self, detector: FaceDetector | None, *, rotated: bool) -> None:
        self._detector = detector
        self._rotated = rotated
        self._lock = threading.Lock()

    def detect(self, frame: Frame) -> list[Face]:
        """Finds the faces of a frame."""
        with self._lock:
            if self._detector is None:
                self._detector = create_detector("mtcnn")
            return find_faces(self._detector, frame.image, rotated=self._rotated)


def batch_is_full(batch: Sequence[Frame]) -> bool:
    """Whether a batch holds as many frames as are sent in one request.

    Example:
        >>> frame = Frame(0.0, np.zeros((1080, 1920, 3), np.uint8))
        >>> batch_is_full([frame] * 7), batch_is_full([frame] * 8)
        (False, True)
    """
    pixels = sum(frame.image.shape[0] * frame.image.shape[1] for frame in batch)
    return len(batch) >= _FRAMES_PER_CALL or pixels >= _PIXELS_PER_CALL


def frames_call(batch: Sequence[Frame]) -> PredictCall:
    """Asks where the faces of frames are.

    Frames are sent as PNG, which is several times larger than JPEG: with JPEG of quality 95,
    MTCNN's boxes of faces 110 pixels wide moved by up to 3.3 pixels.

    Raises:
        UnreadableVideoError: a frame is larger than a served model takes.
    """
    for frame in batch:
        height, width = frame.image.shape[:2]
        if max(height, width) > _MAX_FRAME_SIDE:
            raise UnreadableVideoError(
                f"its frames have {width} x {height} pixels; a served model takes whole frames of "
                f"at most {_MAX_FRAME_SIDE} a side"
            )
    encoded = np.array([_encode_png(frame.image) for frame in batch], object)
    outputs = {"box": "float32", "detection_score": "float32"}
    return PredictCall(FRAMES_SIGNATURE, FRAMES, encoded, outputs, version=None)


def _encode_png(image: npt.NDArray[np.uint8]) -> bytes:
    done, png = cv2.imencode(
        ".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 1]
    )
    if not done:
        raise ValueError(f"OpenCV could not encode a frame of shape {image.shape} as PNG")
    return png.tobytes()


def detected_faces(outputs: Any) -> list[list[Face]]:
    """The faces of each frame, from the outputs of `frames_call`."""
    return [
        [
            Face(box, _NO_LANDMARKS, float(score))
            for box, score in zip(boxes, scores, strict=True)
            if not np.isnan(score)
        ]
        for boxes, scores in zip(outputs["box"], outputs["detection_score"], strict=True)
    ]
