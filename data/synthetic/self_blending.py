"""Self-blended images: a fake made from one picture of a face, by blending it with itself.

After K. Shiohara and T. Yamasaki, "Detecting Deepfakes with Self-Blended Images", CVPR 2022
(https://github.com/mapooon/SelfBlendedImages). A copy of the picture, changed in colour,
detail and place, is blended back through a mask of the face. What is left to see is what face
swaps leave: a boundary, and two sets of statistics in one face.

Pictures are float32 [height, width, 3], RGB, 0 to 255.
"""

import cv2
import numpy as np
import numpy.typing as npt

from data.synthetic.styles import Picture, Style, style_one, to_range

BLENDING_RATIOS = (0.75, 1.0, 1.0, 1.0)
"""The paper draws from {0.25, 0.5, 0.75, 1, 1, 1}; its faintest two are left out because a
network that starts from scratch on one person's face does not get past them."""


def displacement_field(
    rng: np.random.Generator, shape: tuple[int, int], cell: float, deviation: float
) -> npt.NDArray[np.float32]:
    """Draws a smooth random displacement for each pixel.

    Args:
        rng: draws it.
        shape: height and width, pixels.
        cell: distance between independent displacements, pixels.
        deviation: standard deviation of those, pixels.

    Returns:
        float32 [height, width, 2]: x and y displacements in pixels.
    """
    height, width = shape
    grid = (round(height / cell) + 2, round(width / cell) + 2, 2)
    coarse = rng.normal(0.0, deviation, grid).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)


def pixel_grid(shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Returns float32 [height, width, 2]: each pixel's own x and y.

    Example:
        >>> pixel_grid((1, 3)).tolist()
        [[[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]]]
    """
    rows, columns = np.indices(shape, dtype=np.float32)
    return np.stack([columns, rows], axis=-1)


def deform(
    rng: np.random.Generator, mask: npt.NDArray[np.float32], cell: float, deviation: float
) -> npt.NDArray[np.float32]:
    """Deforms a mask, float32 [height, width], elastically; see `displacement_field`."""
    height, width = mask.shape
    places = pixel_grid((height, width)) + displacement_field(rng, (height, width), cell, deviation)
    deformed = cv2.remap(mask, places[..., 0], places[..., 1], cv2.INTER_LINEAR)
    return deformed.astype(np.float32)


def draw_mask(
    rng: np.random.Generator, landmarks: npt.NDArray[np.float32], shape: tuple[int, int]
) -> npt.NDArray[np.float32]:
    """Draws the region of the face that is blended.

    The landmarks' convex hull or the ellipse that fits them, deformed elastically, grown or
    shrunk, and softened. Lengths are relative to the face.

    Args:
        rng: draws it.
        landmarks: float32 [n, 2]: x and y of the face's outline, pixels.
        shape: height and width of the picture, pixels.

    Returns:
        float32 [height, width], 0 outside to 1 inside, times the blending ratio.
    """
    face_size = float(np.ptp(landmarks, axis=0).max())
    centre = landmarks.mean(axis=0)
    outline = np.asarray(centre + (landmarks - centre) * rng.uniform(0.8, 1.05, 2), np.float32)
    mask = np.zeros(shape, np.float32)
    if rng.random() < 0.5:
        hull = cv2.convexHull(outline)
        cv2.fillConvexPoly(mask, np.round(hull).astype(np.int32), (1.0,))
    else:
        cv2.ellipse(mask, cv2.fitEllipse(outline), (1.0,), thickness=cv2.FILLED)
    deformed = deform(rng, mask, cell=face_size / 5, deviation=face_size / 30)
    soft = cv2.GaussianBlur(deformed, (0, 0), face_size * rng.uniform(0.01, 0.035))
    return (soft * rng.choice(BLENDING_RATIOS)).astype(np.float32)


def draw_shift(
    rng: np.random.Generator, landmarks: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Draws a small change of place and size of the face.

    The authors' code scales by up to 5 % and translates by up to 3 % in x and 1.5 % in y. Theirs
    are shares of a crop a little wider than the face, ours of the face. Landmarks are as of
    `draw_mask`.

    Returns:
        float64 [2, 3]: the affine matrix, for pixels.
    """
    centre_x, centre_y = landmarks.mean(axis=0).tolist()
    scale = rng.uniform(0.95, 1 / 0.95)
    matrix = np.asarray(cv2.getRotationMatrix2D((centre_x, centre_y), 0.0, scale), np.float64)
    matrix[:, 2] += rng.uniform(-1.0, 1.0, 2) * (0.03, 0.015) * np.ptp(landmarks, axis=0)
    return matrix


def move(picture: Picture, matrix: npt.NDArray[np.float64]) -> Picture:
    """Moves a picture by an affine matrix, [2, 3]; the picture is mirrored at its border."""
    height, width = picture.shape[:2]
    border = cv2.BORDER_REFLECT_101
    moved = cv2.warpAffine(
        picture, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=border
    )
    return moved.astype(np.float32)


def blend(source: Picture, target: Picture, mask: npt.NDArray[np.float32]) -> Picture:
    """Puts the source over the target where the mask, [height, width], is 1.

    Example:
        >>> black, white = np.zeros((1, 2, 3), np.float32), np.full((1, 2, 3), 255, np.float32)
        >>> blend(white, black, np.array([[1.0, 0.5]], np.float32))[0, :, 0].tolist()
        [255.0, 127.5]
    """
    weight = mask[..., np.newaxis]
    return to_range(source * weight + target * (1.0 - weight))


def self_blend(
    rng: np.random.Generator, picture: Picture, landmarks: npt.NDArray[np.float32], style: Style
) -> Picture:
    """Makes a fake of a picture.

    Args:
        rng: draws what differs from fake to fake.
        picture: float32 [height, width, 3], 0 to 255, of one face.
        landmarks: float32 [n, 2], n of 5 or more: x and y of the face's outline, pixels.
        style: changes the blended face or, as often, everything around it.

    Returns:
        A new picture of the same shape.
    """
    source, target = style_one(rng, picture, style)
    shifted = move(source, draw_shift(rng, landmarks))
    height, width = picture.shape[:2]
    return blend(shifted, target, draw_mask(rng, landmarks, (height, width)))
