"""A detector that does what a decoder or a driver with a fault does to its process."""

import os
import pathlib
import signal
import time

import numpy as np
import numpy.typing as npt

from data.detectors import Face
from data.detectors.mtcnn import Mtcnn
from tests.data.bad_clips.encoding import encode, gradient_frames

HANGS, DIES, RAISES, FILLS_MEMORY = 66, 68, 70, 72
"""Pixels a side of the frames at which it does so."""


class Misbehaving:
    """`Mtcnn`, but for square frames of four sizes."""

    def __init__(self) -> None:
        self._mtcnn = Mtcnn()

    def detect(self, frames: npt.NDArray[np.uint8]) -> list[list[Face]]:
        """Finds the faces of each frame, or ends otherwise."""
        height, width = frames.shape[1:3]
        if height == width == HANGS:
            while True:
                time.sleep(1)
        if height == width == DIES:
            os.kill(os.getpid(), signal.SIGSEGV)
        if height == width == RAISES:
            raise RuntimeError("the detector has a fault")
        if height == width == FILLS_MEMORY:
            held = []
            while True:
                held.append(bytearray(1 << 28))
        return self._mtcnn.detect(frames)


def make_trigger(path: pathlib.Path, side: int) -> None:
    """A clip of square frames, at one of the sizes above."""
    encode(path, gradient_frames(6, side, side))
