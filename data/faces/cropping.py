"""From a box in a frame to the square crop that a model sees."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from data.contract import CROP_JPEG_QUALITY, CROP_MAX_SIZE

MARGIN = 0.3
"""How much wider the square is than the longer side of the box."""

SHARPNESS_SIZE = 128
"""Pixels a side at which the sharpness of every crop is measured."""


def square_around(box: Sequence[float]) -> tuple[int, int, int]:
    """The square of whole pixels around a box, wider by `MARGIN` than its longer side.

    Args:
        box: x_min, y_min, x_max, y_max in pixels.

    Returns:
        left, top and side in pixels; the square may reach beyond the frame.

    Example:
        >>> square_around([100, 100, 200, 180])
        (85, 75, 130)
    """
    x_min, y_min, x_max, y_max = (float(value) for value in box)
    side = max(1, round(max(x_max - x_min, y_max - y_min) * (1.0 + MARGIN)))
    left = round((x_min + x_max - side) / 2)
    top = round((y_min + y_max - side) / 2)
    return left, top, side


def points_in_crop(points: npt.ArrayLike, box: Sequence[float]) -> npt.NDArray[np.float32]:
    """Where points of a frame lie in the crop that `crop_face` takes around a box.

    A landmark outside of its face's own crop is a mistake of the detector and becomes NaN, as one
    that the detector does not know.

    Args:
        points: [n, 2], x and y in the frame, in pixels whose centres are whole numbers; NaN
            stays NaN.
        box: x_min, y_min, x_max, y_max in pixels.

    Returns:
        float32 [n, 2], x and y in pixels of the crop; NaN for points beyond it.

    Example:
        >>> points_in_crop([[150, 140], [0, 0]], [100, 100, 200, 180]).tolist()
        [[65.0, 65.0], [nan, nan]]
    """
    left, top, side = square_around(box)
    scale = min(1.0, CROP_MAX_SIZE / side)
    in_square = np.asarray(points, np.float64) - (left, top)
    # NaN compares as false.
    is_inside = ((in_square >= -0.5) & (in_square < side - 0.5)).all(axis=-1, keepdims=True)
    in_crop = (in_square + 0.5) * scale - 0.5
    return np.where(is_inside, in_crop, np.nan).astype(np.float32)


def crop_face(image: npt.NDArray[np.uint8], box: Sequence[float]) -> npt.NDArray[np.uint8]:
    """Cuts the square around a box out of a frame; black where it reaches beyond.

    Args:
        image: uint8 [height, width, 3].
        box: x_min, y_min, x_max, y_max in pixels.

    Returns:
        uint8 [size, size, 3], size at most `CROP_MAX_SIZE`; never enlarged.

    Example:
        >>> crop_face(np.zeros((480, 640, 3), np.uint8), [100, 100, 200, 180]).shape
        (130, 130, 3)
    """
    left, top, side = square_around(box)
    height, width = image.shape[:2]
    crop = np.zeros((side, side, 3), np.uint8)
    x_from, x_to = max(left, 0), min(left + side, width)
    y_from, y_to = max(top, 0), min(top + side, height)
    if x_from < x_to and y_from < y_to:
        crop[y_from - top : y_to - top, x_from - left : x_to - left] = image[
            y_from:y_to, x_from:x_to
        ]
    if side > CROP_MAX_SIZE:
        # Area averaging is what avoids aliasing when shrinking.
        size = (CROP_MAX_SIZE, CROP_MAX_SIZE)
        crop = cv2.resize(crop, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return crop


def encode_jpeg(crop: npt.NDArray[np.uint8]) -> bytes:
    """JPEG of an RGB crop, uint8 [size, size, 3], at quality `CROP_JPEG_QUALITY`."""
    done, jpeg = cv2.imencode(
        ".jpg", cv2.cvtColor(crop, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, CROP_JPEG_QUALITY]
    )
    if not done:
        raise ValueError(f"OpenCV could not encode a crop of shape {crop.shape} as JPEG")
    return jpeg.tobytes()


def sharpness(crop: npt.NDArray[np.uint8]) -> float:
    """Variance of the Laplacian of the grey crop at one size, `SHARPNESS_SIZE`.

    At the crop's own size (`raw_sharpness`) the measure falls as a face grows: twice as many pixels
    show the same edge half as steep. A clear face of 340 pixels then looks more blurred than a
    smear of 40.

    Args:
        crop: uint8 [size, size, 3], RGB.

    Returns:
        0 for a plain area; 28 to 800 for clear faces of real clips, below 15 for smears.

    Example:
        >>> sharpness(np.full((64, 64, 3), 200, np.uint8))
        0.0
    """
    # Areas avoid aliasing where there are fewer pixels, and would make steps where there are more.
    shrinks = crop.shape[0] > SHARPNESS_SIZE
    return raw_sharpness(
        cv2.resize(
            crop,
            (SHARPNESS_SIZE, SHARPNESS_SIZE),
            interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
        ).astype(np.uint8, copy=False)
    )


def raw_sharpness(crop: npt.NDArray[np.uint8]) -> float:
    """Variance of the Laplacian of the grey crop as it is (Pech-Pacheco et al., ICPR 2000).

    Args:
        crop: uint8 [size, size, 3], RGB.
    """
    return float(cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())
