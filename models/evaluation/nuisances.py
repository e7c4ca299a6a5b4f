"""Measures of a video that say nothing of manipulation, yet may tell a dataset's classes apart.

They look at how a video was compressed, focused and framed. Where they differ between reals and
fakes, a network can learn them in place of the manipulation (`models.evaluation.shortcut`).
"""

import cv2
import numpy as np
import numpy.typing as npt

from data import contract

NAMES = ("bit_rate", "sharpness", "face_size", "blockiness", "bits_per_pixel")
"""In the order of what `measure` returns."""

_BLOCK = 8
"""Pixels a side of JPEG's blocks (ITU-T T.81, A.1.1), and of H.264's larger transform."""

_STEP = np.array([1.0, -3.0, 3.0, -1.0])
"""Third difference: 0 on any smooth gradient, large where two neighbours jump."""


def measure(video: contract.VideoExample) -> npt.NDArray[np.float64]:
    """Measures one video.

    Args:
        video: with a usable face at least, all of whose crops can be decoded.

    Returns:
        float64 [5], in the order of `NAMES`; the last four are medians over the usable faces:

        - bit_rate: of the file, bits a second;
        - sharpness: variance of the Laplacian of the grey crop, 0 and more;
        - face_size: shorter side of the box, pixels of the frame;
        - blockiness: see `blockiness`;
        - bits_per_pixel: of the crop's JPEG, which is of one quality for all, so that it
            tells how much detail and noise earlier compressions left; mostly 1 to 6.
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
    return np.array([video.bit_rate, *np.median(by_face, axis=0)])


def blockiness(crop: npt.NDArray[np.uint8]) -> float:
    """How much neighbouring pixels jump on a grid of 8 pixels, wherever that begins.

    After Wang, Bovik and Evans, "Blind Measurement of Blocking Artifacts in Images" (ICIP 2000),
    in the pixels' domain: over rows and over columns, the mean absolute third difference at each
    of the eight places in a block; the largest of the eight over the mean of the others. The grid's
    place is sought because crops are cut from frames anywhere. Scaling a picture blurs its grid:
    crops that were shrunk to `contract.CROP_MAX_SIZE` show little.

    Args:
        crop: uint8 [height, width], grey.

    Returns:
        The larger of the two axes' ratios: 1.0 to 1.2 where there are no blocks, 2 and more for
        JPEG of quality 30; 1.0 for a picture without any jumps, or of fewer than 16 pixels a side.
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
    by_place = np.array([by_column[place::_BLOCK].mean() for place in range(_BLOCK)])
    highest = int(np.argmax(by_place))
    others = np.delete(by_place, highest).mean()
    return float(by_place[highest] / others) if others > 0 else 1.0
