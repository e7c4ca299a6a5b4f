"""Self-blended images: fakes made on the fly from real crops alone.

After K. Shiohara and T. Yamasaki, "Detecting Deepfakes with Self-Blended Images", CVPR 2022
(https://github.com/mapooon/SelfBlendedImages, src/utils/sbi.py and blend.py): source and target
are the same crop, one of them changed in colour and detail. The source is moved a little and
blended into the target through a mask of the face.

The paper uses 81 landmarks of each face; our crops have five, to which `face_outline` fits a mean
face.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from data.synthetic import self_blending, styles

STYLE_BOUNDS = styles.StyleBounds(
    colour_shift=((-20.0, 20.0), (-20.0, 20.0), (-20.0, 20.0)),
    colour_shift_probability=0.3,
    brightness=0.1,
    contrast=0.1,
    saturation=0.1,
    hue=10.0,
    downscale=(2.0, 4.0),
    drops_pixels=True,
    sharpening=(1.6, 4.0),
)
"""As in the authors' code, with two exceptions here and a third in
`data.synthetic.self_blending.draw_shift`. Their limits of hue, saturation and value are 0.3 of 180
and of 255, which nobody can see; ours are visible. Their sharpening mixes in a 3 x 3 kernel by 0.2
to 0.5, which adds 8 times that share of a pixel's difference from its neighbours' mean, as our
weights do, and also darkens the image, which ours does not."""

BLENDING_RATIOS = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)
"""The paper's, section 3.3 and `dynamic_blend`."""

_MEAN_POINTS = np.array(
    [(0.327, 0.329), (0.709, 0.322), (0.518, 0.553), (0.353, 0.746), (0.700, 0.739)]
)
_MEAN_JAW_AND_BROWS = (
    (0.079, 0.339), (0.083, 0.457), (0.097, 0.576), (0.122, 0.692), (0.169, 0.800),
    (0.240, 0.896), (0.326, 0.977), (0.422, 1.043), (0.532, 1.061), (0.641, 1.040),
    (0.738, 0.972), (0.824, 0.890), (0.895, 0.792), (0.939, 0.682), (0.961, 0.562),
    (0.971, 0.442), (0.971, 0.322), (0.164, 0.249), (0.218, 0.204), (0.291, 0.192),
    (0.367, 0.204), (0.439, 0.233), (0.586, 0.228), (0.660, 0.196), (0.737, 0.182),
    (0.813, 0.193), (0.871, 0.235),
)  # fmt: skip
"""Points 0 to 26 of the mean face that OpenFace aligns to (https://github.com/cmusatyalab/openface,
openface/align_dlib.py: `TEMPLATE`, in the order of dlib's 68 landmarks). The five points above are
its eyes' centres (means of 36 to 41 and of 42 to 47), nose tip (30) and mouth corners (48, 54)."""

_HAIRLINE = -0.173
"""Height of the hairline in the same units. The template ends at the brows. By the canon of facial
thirds the forehead is as high as the part from the brows (0.231) to the base of the nose (0.634);
the part below the nose, 0.427 in the template, agrees with the canon."""

_MASK_SIDES = (192, 256)
"""Limits of the mask's height and of its width while it is blurred, drawn separately, pixels."""

_BLUR_SIDES = (5, 25)
"""Limits of the sides of both Gaussian kernels, odd, pixels of the mask."""

_BLUR_DEVIATIONS = (5.0, 46.0)
"""Limits of the second kernel's standard deviation; OpenCV derives the first's from its side."""

_ELASTIC_CELL, _ELASTIC_DEVIATION = 17.0, 1.2
"""In pixels of the mask. The authors' elastic deformation (alpha 50, sigma 7) has a standard
deviation of 50 / (7 sqrt(12 pi)) = 1.2 pixels, and points 2.5 sigma apart are nearly
independent."""


def face_outline(
    landmarks: npt.NDArray[np.float32], *, with_forehead: bool
) -> npt.NDArray[np.float32]:
    """Estimates the outline of a face from five points.

    An affine transform, by least squares, fits the mean face to the points. It follows position,
    size and tilt, and a turned head by squeezing the face. It does not know the face's own jaw
    and hair. As the mean face is flat, the outline of a head that is turned by 30 degrees lies
    about a tenth of the face's width too far to the side to which the head looks.

    Args:
        landmarks: float32 [5, 2], x and y in pixels, in the order of `data.contract`.
        with_forehead: whether it reaches up to the hairline instead of the brows.

    Returns:
        float32 [n, 2], x and y in pixels: jaw, brows and, with the forehead, the hairline.

    Example:
        >>> points = np.array([(65, 66), (142, 64), (104, 111), (71, 149), (140, 148)], np.float32)
        >>> face_outline(points, with_forehead=False)[8].round()  # the chin
        array([107., 212.], dtype=float32)
    """
    outline = np.array(_MEAN_JAW_AND_BROWS)
    if with_forehead:
        # Half an ellipse from temple to temple.
        left, right = outline[0], outline[16]
        centre, radius = (left + right) / 2, (right - left)[0] / 2
        angle = np.linspace(0.0, np.pi, 13)
        rise = centre[1] - _HAIRLINE
        x, y = centre[0] + radius * np.cos(angle), centre[1] - rise * np.sin(angle)
        outline = np.concatenate([outline, np.column_stack([x, y])])
    ones = np.ones((len(_MEAN_POINTS), 1))
    matrix, *_ = np.linalg.lstsq(np.hstack([_MEAN_POINTS, ones]), landmarks, rcond=None)
    fitted = np.hstack([outline, np.ones((len(outline), 1))]) @ matrix
    return fitted.astype(np.float32)


def self_blend(
    crop: npt.NDArray[np.uint8], landmarks: npt.NDArray[np.float32], seed: Sequence[int]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Makes a pair of a real and a fake of one real crop.

    As in the paper, the real is the blend's target. Either the target or the source is changed
    in colour and detail, so that such a change alone says nothing. Real and fake are the same
    wherever the mask is 0. Parts of the face beyond the crop are cut off.

    Args:
        crop: [height, width, 3], RGB.
        landmarks: float32 [5, 2], x and y in pixels of the crop, all of them inside.
        seed: integers of 0 or more; the same seed gives the same pair.

    Returns:
        real: [height, width, 3].
        fake: of the same shape.

    Raises:
        ValueError: the face that the landmarks describe lies outside of the crop.
    """
    rng = np.random.default_rng(seed)
    image = crop.astype(np.float32)
    # The authors leave the forehead out of a quarter of the masks.
    outline = face_outline(landmarks, with_forehead=rng.random() >= 0.25)
    style = styles.draw_style(rng, STYLE_BOUNDS)
    source, target = styles.style_one(rng, image, style)
    matrix = self_blending.draw_shift(rng, outline)
    moved_outline = (outline @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    mask = draw_mask(rng, moved_outline, (crop.shape[0], crop.shape[1]))
    # Rounded before blending, so that both are the same where the mask is 0.
    target = np.round(target)
    fake = self_blending.blend(self_blending.move(source, matrix), target, mask)
    return target.astype(np.uint8), np.round(fake).astype(np.uint8)


def draw_mask(
    rng: np.random.Generator, outline: npt.NDArray[np.float32], shape: tuple[int, int]
) -> npt.NDArray[np.float32]:
    """Draws the mask: how much of the source each pixel of the blend takes.

    It is the outline's convex hull, deformed elastically, shrunk by one Gaussian and softened by
    another, times a blending ratio: `get_blend_mask` and `dynamic_blend` of the authors' code.

    Args:
        rng: the source of randomness.
        outline: float32 [n, 2], x and y in pixels.
        shape: height and width of the image, pixels.

    Returns:
        float32 [height, width], from 0 outside to the blending ratio inside.

    Raises:
        ValueError: the outline lies outside of the image.
    """
    height, width = shape
    mask_height, mask_width = rng.integers(*_MASK_SIDES, 2, endpoint=True).tolist()
    mask = np.zeros((mask_height, mask_width), np.float32)
    hull = cv2.convexHull(
        outline * np.array([mask_width / width, mask_height / height], np.float32)
    )
    cv2.fillConvexPoly(mask, np.round(hull).astype(np.int32), (1.0,))
    mask = self_blending.deform(rng, mask, _ELASTIC_CELL, _ELASTIC_DEVIATION)
    if not mask.any():
        raise ValueError("the face that the landmarks describe lies outside of its crop")
    least, most = _BLUR_SIDES
    first, second = (2 * rng.integers(least // 2, most // 2, 2, endpoint=True) + 1).tolist()
    blurred = cv2.GaussianBlur(mask, (first, first), 0.0)
    # Shrunk to the pixels that the blur did not change; its weights do not sum to exactly 1.
    inside = (blurred > 0.999 * blurred.max()).astype(np.float32)
    soft = cv2.GaussianBlur(inside, (second, second), rng.uniform(*_BLUR_DEVIATIONS))
    soft = cv2.resize(soft / soft.max(), (width, height), interpolation=cv2.INTER_LINEAR)
    return (soft * rng.choice(BLENDING_RATIOS)).astype(np.float32)
