"""A descriptor of a face: similar for pictures of one person, different for other people."""

import cv2
import numpy as np
import numpy.typing as npt

_BOX_IN_CROP = 1 / 1.3  # data.faces.cropping adds a margin of 30 %
_REGION_ROWS, _REGION_COLUMNS, _REGION_SIDE = 4, 3, 20  # pixels of the shrunk box
_PATTERNS = 16
_MIN_CONTRAST = 5  # 2 % of the range, against noise
_CHEEK_COLUMNS = slice(7, 55)  # of 62: between the ears, or the background decides
_COLOR_BINS = 12
_COLOR_WEIGHT = 1.3  # what parts people best in real clips


def face_descriptor(crop: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Describes a face in numbers, so that descriptors of one person lie close together.

    It has two parts. The first are histograms of centre-symmetric local binary patterns (Heikkilä
    et al., "Description of Interest Regions with Local Binary Patterns", Pattern Recognition 42,
    2009) in a grid of regions, as Ahonen et al. describe faces ("Face Description with Local
    Binary Patterns", IEEE TPAMI 28, 2006). The second are histograms of the colours in CIELAB.
    Square roots make the Euclidean distance Hellinger's. It tells apart people within one clip
    only: it is no biometric.

    Args:
        crop: uint8 [size, size, 3], RGB, as `data.faces.cropping.crop_face` gives it.

    Returns:
        float32 [228].

    Example:
        >>> face_descriptor(np.zeros((130, 130, 3), np.uint8)).shape
        (228,)
    """
    side = crop.shape[0]
    margin = min(round(side * (1 - _BOX_IN_CROP) / 2), (side - 1) // 2)
    box = crop[margin : side - margin, margin : side - margin]
    # Each pixel of a region needs its eight neighbours.
    size = (_REGION_COLUMNS * _REGION_SIDE + 2, _REGION_ROWS * _REGION_SIDE + 2)
    face = cv2.resize(box, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    colors = _color_histograms(np.ascontiguousarray(face[:, _CHEEK_COLUMNS]))
    return np.concatenate([_pattern_histograms(face), _COLOR_WEIGHT * colors])


def _pattern_histograms(face: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Square roots of the patterns' frequencies by region, of norm 1."""
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).astype(np.int16)
    rows, columns = grey.shape[0] - 2, grey.shape[1] - 2

    def neighbours(down: int, right: int) -> npt.NDArray[np.int16]:
        return grey[1 + down : 1 + down + rows, 1 + right : 1 + right + columns]

    patterns = np.zeros((rows, columns), np.int64)
    for bit, (down, right) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        brighter = neighbours(down, right) - neighbours(-down, -right) > _MIN_CONTRAST
        patterns |= brighter.astype(np.int64) << bit
    by_region = (
        patterns.reshape(_REGION_ROWS, _REGION_SIDE, _REGION_COLUMNS, _REGION_SIDE)
        .swapaxes(1, 2)
        .reshape(_REGION_ROWS * _REGION_COLUMNS, -1)
    )
    return _root_histograms(by_region, _PATTERNS).reshape(-1)


def _color_histograms(face: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Square roots of the frequencies of lightness, a and b, smoothed, of norm about 1."""
    lab = cv2.cvtColor(face, cv2.COLOR_RGB2LAB).reshape(-1, 3).T.astype(np.int64)
    # Skin and hair lie within 32 of the grey axis, which is at 128.
    low, high = np.array([[0], [96], [96]]), np.array([[256], [160], [160]])
    bins = (np.clip(lab, low, high - 1) - low) * _COLOR_BINS // (high - low)
    # A colour at the edge of a bin must not jump to the next.
    smooth = cv2.GaussianBlur(_root_histograms(bins, _COLOR_BINS) ** 2, (5, 1), 1.0)
    return np.sqrt(smooth, dtype=np.float32).reshape(-1)


def _root_histograms(values: npt.NDArray[np.int64], bins: int) -> npt.NDArray[np.float32]:
    """Square roots of the frequencies in each row [n, m] of values below `bins`, of norm 1 all."""
    rows, count = values.shape
    offsets = np.arange(rows)[:, None] * bins
    counted = np.bincount((values + offsets).reshape(-1), minlength=rows * bins)
    return np.sqrt(counted.reshape(rows, bins) / (rows * count)).astype(np.float32)
