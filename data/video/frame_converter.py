"""Pixels of decoded frames as they are shown: upright, square, RGB."""

import struct

import av
import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import SideData
from av.video.reformatter import VideoReformatter

from data.video.container import MAX_PIXELS

_MAX_PIXEL_ASPECT = 4
"""Pixels further from square are a mistake in the file; ITU-T H.264's table E-1 ends at 160:99."""


class FrameConverter:
    """Converts the frames of one stream, all turned as the first one is.

    Colours are converted by the matrix and range that the stream names; where it names none, by
    BT.601 and limited range whatever the size, as FFmpeg and OpenCV do. Other pixels than square
    ones are made square by widening or heightening the frame, so that nothing is lost.

    Args:
        stream: whose frames are decoded.
    """

    def __init__(self, stream: av.VideoStream) -> None:
        self._stream = stream
        self._reformatter = VideoReformatter()  # sets up its tables once, not for every frame
        self._orientation: tuple[bool, bool, bool] | None = None

    def shown_size(self, frame: av.VideoFrame) -> tuple[int, int]:
        """Width and height of what `to_rgb` makes of a frame."""
        width, height = self._square_size(frame)
        transposed, _, _ = self._orientation_of(frame)
        return (height, width) if transposed else (width, height)

    def to_rgb(self, frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
        """Pixels of a frame, uint8 [height, width, 3], RGB, 0 to 255."""
        width, height = self._square_size(frame)
        # One thread: workers and detector fill the cores already.
        rgb = self._reformatter.reformat(frame, width, height, format="rgb24", threads=1)
        image = rgb.to_ndarray().astype(np.uint8, copy=False)
        transposed, mirrored, upside_down = self._orientation_of(frame)
        if transposed:
            image = image.swapaxes(0, 1)
        return np.ascontiguousarray(image[:: -1 if upside_down else 1, :: -1 if mirrored else 1])

    def _square_size(self, frame: av.VideoFrame) -> tuple[int, int]:
        """Width and height of a frame before it is turned, in square pixels."""
        aspect = float(self._stream.sample_aspect_ratio or 1)
        if not 1 / _MAX_PIXEL_ASPECT <= aspect <= _MAX_PIXEL_ASPECT:
            return frame.width, frame.height
        width = round(frame.width * max(aspect, 1))
        height = round(frame.height / min(aspect, 1))
        return (width, height) if width * height <= MAX_PIXELS else (frame.width, frame.height)

    def _orientation_of(self, frame: av.VideoFrame) -> tuple[bool, bool, bool]:
        # Of one frame only: side data and frame hold each other until garbage is collected.
        if self._orientation is None:
            self._orientation = _orientation(frame)
        return self._orientation


def _orientation(frame: av.VideoFrame) -> tuple[bool, bool, bool]:
    """How to set a frame upright: transpose it, then mirror it left to right, then top to bottom.

    Of the frame's display matrix (ISO/IEC 14496-12, 6.2.2) a, b, c and d are read: a point is shown
    at x' = ax + cy, y' = bx + dy. It is taken for the nearest of the eight that keep pixels whole.
    """
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if not isinstance(matrix, SideData):
        return False, False, False
    a, b, _, c, d = struct.unpack_from("=5i", matrix)
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return False, a < 0, d < 0
    return True, c < 0, b < 0
