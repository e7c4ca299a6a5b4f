"""Nuisances: measures of a video that have nothing to do with manipulation.

They describe how a video was compressed, focused and framed. Where reals and fakes differ in them,
a network can learn this difference instead of the manipulation (`models.evaluation.shortcut`).
"""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from data import contract

_BLOCK = 8
"""Pixels a side of JPEG's blocks (ITU-T T.81, A.1.1), and of H.264's larger transform."""

_STEP = np.array([1.0, -3.0, 3.0, -1.0])
"""Third difference: 0 on any smooth gradient, large where two neighbours jump."""


class Nuisances(NamedTuple):
    """Measures of one video; all but the bit rate are medians over its usable faces.

    Attributes:
        bit_rate: of the file, bits a second.
        sharpness: `FaceCrop.sharpness`, 0 and more.
        face_size: shorter side of the box, pixels of the frame.
        blockiness: see `blockiness`.
        bits_per_pixel: of the crop's JPEG, mostly 1 to 6. All crops are saved in one quality, so
            this shows how much detail and noise earlier compressions left.
    """

    bit_rate: float
    sharpness: float
    face_size: float
    blockiness: float
    bits_per_pixel: float


def measure_nuisances(video: contract.VideoExample) -> Nuisances:
    """Measures one video.

    Args:
        video: has at least one usable face; the crops of all usable faces can be decoded.
    """
    by_face = []
    for face in video.usable_faces:
        crop = cv2.imdecode(np.frombuffer(face.image, np.uint8), cv2.IMREAD_GRAYSCALE)
        x_min, y_min, x_max, y_max = face.box
        by_face.append(
            (
                face.sharpness,
                min(x_max - x_min, y_max - y_min),
                blockiness(crop.astype(np.uint8, copy=False)),
                8 * len(face.image) / crop.size,
            )
        )
    return Nuisances(video.measurements.bit_rate, *np.median(by_face, axis=0).tolist())


def blockiness(crop: npt.NDArray[np.uint8]) -> float:
    """How much neighbouring pixels jump on a grid of 8 pixels, wherever the grid begins.

    After Wang, Bovik and Evans, "Blind Measurement of Blocking Artifacts in Images" (ICIP 2000),
    but on pixels: the mean absolute third difference, over rows and over columns, at each of the
    eight positions in a block; then the largest of the eight over the mean of the others. All eight
    are tried because a crop may begin anywhere in its frame's grid. Scaling an image blurs its
    grid: crops that were shrunk to `contract.CROP_MAX_SIZE` show little.

    Args:
        crop: uint8 [height, width], grey.

    Returns:
        The larger of the two axes' ratios: 1.0 to 1.2 where there are no blocks, 2 and more for
        JPEG of quality 30; 1.0 for an image without any jumps, or of fewer than 16 pixels a side.

    Example:
        >>> steps = np.repeat(np.arange(4, dtype=np.uint8) * 8, 8)
        >>> round(blockiness(np.tile(steps, (16, 1))), 6)
        7.0
    """
    if min(crop.shape) < 2 * _BLOCK:
        return 1.0
    pixels = crop.astype(np.float64)
    return max(_grid_ratio(pixels), _grid_ratio(pixels.T))


def _grid_ratio(pixels: npt.NDArray[np.float64]) -> float:
    """The ratio for boundaries between columns."""
    width = pixels.shape[1] - len(_STEP) + 1
    jumps = np.abs(sum(step * pixels[:, i : i + width] for i, step in enumerate(_STEP)))
    by_column = jumps.mean(axis=0)
    by_position = np.array([by_column[position::_BLOCK].mean() for position in range(_BLOCK)])
    highest = int(np.argmax(by_position))
    others = np.delete(by_position, highest).mean()
    return float(by_position[highest] / others) if others > 0 else 1.0
