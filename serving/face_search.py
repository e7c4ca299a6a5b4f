"""Finding faces in frames: with a detector here, or by asking the server."""

import threading
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from data import cropping
from data.detectors import registry
from data.detectors.base import Face, FaceDetector
from data.video import Frame, UnreadableVideoError
from serving.calls import FRAMES, PredictCall

Ask = Literal["tracks", "frames"]
"""Where faces are found: `tracks` are sent of the client's own faces, or whole `frames`."""

FRAMES_SIGNATURE = "serving_frames"

_FRAMES_A_CALL = 8
_PIXELS_A_CALL = 8 * 1920 * 1080  # bounds what is held of very large frames

_MAX_FRAME_SIDE = 8192  # of a served model (DESIGN.md); it would find no face in a larger one

_NO_LANDMARKS = np.full(10, np.nan, np.float32)


class LocalSearch:
    """A detector that is made when it is first needed, and used by one thread at a time.

    Args:
        detector: finds the faces; MTCNN if None, as in the extraction.
    """

    def __init__(self, detector: FaceDetector | None) -> None:
        self._detector = detector
        self._lock = threading.Lock()

    def find(self, frame: Frame) -> list[Face]:
        """Finds the faces of a frame."""
        with self._lock:
            if self._detector is None:
                self._detector = registry.create("mtcnn")
            return self._detector.detect(frame.image[np.newaxis])[0]


def batch_is_full(batch: Sequence[Frame]) -> bool:
    """Whether as many frames wait as are to be held and sent at a time."""
    pixels = sum(frame.image.shape[0] * frame.image.shape[1] for frame in batch)
    return len(batch) >= _FRAMES_A_CALL or pixels >= _PIXELS_A_CALL


def frames_call(batch: Sequence[Frame]) -> PredictCall:
    """Asks where the faces of frames are; as JPEG, which a served model's crops are too.

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
    encoded = np.array([cropping.encode_jpeg(frame.image) for frame in batch], object)
    outputs = {"box": "float32", "detection_score": "float32"}
    return PredictCall(FRAMES_SIGNATURE, FRAMES, encoded, outputs, version=None)


def faces_in(outputs: Any) -> list[list[Face]]:
    """The faces of each frame, from the outputs of `frames_call`."""
    return [
        [
            Face(box, _NO_LANDMARKS, float(score))
            for box, score in zip(boxes, scores, strict=True)
            if not np.isnan(score)
        ]
        for boxes, scores in zip(outputs["box"], outputs["detection_score"], strict=True)
    ]
