"""The faces of the sample dataset: many looks of one portrait, real and self-blended.

Everything starts from scikit-image's astronaut: Eileen Collins, NASA, public domain. A look
recolours and relights it, warps it, moves it and degrades it. Pictures are changed and
blended in the portrait's own coordinates, where the landmarks are known, and warped last.
"""

import dataclasses
import functools

import cv2
import numpy as np
import numpy.typing as npt

from data.synthetic.self_blending import displacement_field, pixel_grid, self_blend
from data.synthetic.styles import (
    LUMA_WEIGHTS,
    SAMPLE_BOUNDS,
    Picture,
    apply_style,
    draw_style,
    to_range,
)

ASTRONAUT_OUTLINE = (
    (182, 105), (182, 125), (183, 140), (188, 155), (200, 168), (212, 176), (226, 178), (240, 174),
    (251, 164), (260, 152), (266, 138), (268, 120), (268, 105), (266, 92), (252, 88), (238, 88),
    (210, 84), (195, 84), (186, 90),
)  # fmt: skip
"""Jaw and brows in the 512 x 512 picture, x and y in pixels, placed by hand, once."""

ASTRONAUT_FACE_CENTRE = (224.0, 118.0)
"""Centre of the box that MTCNN finds in it (x 182 to 265, y 64 to 171)."""

PORTRAIT_SIZE = 320
PORTRAIT_LEFT, PORTRAIT_TOP = 64, -48
"""The part of the picture that is used, wide enough for every warp and motion; above the
picture's upper edge it is mirrored."""

FRAME_SIZE = 192
"""Pixels a side: faces are 95 to 125 px high, and the crops around them fit in."""

COMPRESSIONS = {"crf18": 18, "crf23": 23, "crf28": 28}
"""x264's constant rate factors, by the name that the dataset gives them."""


@dataclasses.dataclass(frozen=True)
class Look:
    """What makes an identity's clips differ from another's.

    Attributes:
        channel_gains: factors of red, green and blue.
        gamma: exponent of the tone curve.
        saturation: factor of the distances from grey.
        light: relative change of brightness from the face's centre to 100 px right of it,
            and below it.
        displacement: float32 [PORTRAIT_SIZE, PORTRAIT_SIZE, 2]: x and y in pixels.
        poses: float64 [frames, 2, 3]: from a frame's pixels to the portrait's.
        blur: standard deviation of the Gaussian, pixels; 0 leaves the frames.
        noise: standard deviation of the Gaussian noise, of 255.
        compression: a key of `COMPRESSIONS`.
    """

    channel_gains: tuple[float, float, float]
    gamma: float
    saturation: float
    light: tuple[float, float]
    displacement: npt.NDArray[np.float32]
    poses: npt.NDArray[np.float64]
    blur: float
    noise: float
    compression: str


@functools.lru_cache(maxsize=1)
def portrait() -> tuple[Picture, npt.NDArray[np.float32]]:
    """Returns the portrait, [PORTRAIT_SIZE, PORTRAIT_SIZE, 3], and its outline, [n, 2]."""
    from skimage import data as skimage_data

    padded = cv2.copyMakeBorder(
        skimage_data.astronaut(), -PORTRAIT_TOP, 0, 0, 0, cv2.BORDER_REFLECT_101
    )
    columns = slice(PORTRAIT_LEFT, PORTRAIT_LEFT + PORTRAIT_SIZE)
    outline = np.array(ASTRONAUT_OUTLINE, np.float32) - (PORTRAIT_LEFT, PORTRAIT_TOP)
    return padded[:PORTRAIT_SIZE, columns].astype(np.float32), outline.astype(np.float32)


def draw_poses(rng: np.random.Generator, frames: int) -> npt.NDArray[np.float64]:
    """Draws the head's shape and its way through the clip.

    Returns:
        float64 [frames, 2, 3]: affine matrices from a frame's pixels to the portrait's.
    """
    mirror = rng.choice([-1.0, 1.0])
    # Wider than the portrait: the face is to fill 60 to 75 % of its crop's width.
    stretch = np.diag([mirror * rng.uniform(1.02, 1.2), rng.uniform(0.92, 1.05)])
    shear = np.array([[1.0, rng.uniform(-0.08, 0.08)], [0.0, 1.0]])
    tilt = np.radians(rng.uniform(-8.0, 8.0))
    # Each component swings around its mean: tilt (rad), log scale, x and y (px).
    swing = np.array([0.06, 0.04, 5.0, 5.0]) * rng.uniform(0.3, 1.0, 4)
    cycles = rng.uniform(0.4, 1.2, 4)
    phases = rng.uniform(0.0, 2.0 * np.pi, 4)
    offset = rng.uniform(-4.0, 4.0, 2)
    centre = np.array(ASTRONAUT_FACE_CENTRE) - (PORTRAIT_LEFT, PORTRAIT_TOP)
    poses = []
    for time in np.arange(frames) / frames:
        motion = swing * np.sin(2.0 * np.pi * cycles * time + phases)
        angle, scale = tilt + motion[0], np.exp(motion[1])
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        to_portrait = np.linalg.inv(scale * turn @ shear @ stretch)
        face_in_frame = FRAME_SIZE / 2 + offset + motion[2:]
        poses.append(np.column_stack([to_portrait, centre - to_portrait @ face_in_frame]))
    return np.stack(poses)


def draw_look(rng: np.random.Generator, frames: int) -> Look:
    """Draws the look of an identity whose clips have so many frames."""
    red, green, blue = rng.uniform(0.9, 1.1, 3).tolist()
    light_x, light_y = rng.uniform(-0.2, 0.2, 2).tolist()
    shape = (PORTRAIT_SIZE, PORTRAIT_SIZE)
    return Look(
        channel_gains=(red, green, blue),
        gamma=float(np.exp(rng.uniform(-0.25, 0.25))),
        saturation=rng.uniform(0.6, 1.2),
        light=(light_x, light_y),
        displacement=displacement_field(rng, shape, cell=40.0, deviation=2.5),
        poses=draw_poses(rng, frames),
        blur=rng.uniform(0.0, 1.0),
        noise=rng.uniform(0.0, 3.0),
        compression=str(rng.choice(list(COMPRESSIONS))),
    )


def paint(look: Look, picture: Picture) -> Picture:
    """A new picture of the portrait in a look's colours and light."""
    grey = (picture @ LUMA_WEIGHTS)[..., np.newaxis]
    coloured = grey + (picture - grey) * look.saturation
    toned = 255.0 * (np.clip(coloured, 0.0, 255.0) / 255.0) ** look.gamma
    centre = np.array(ASTRONAUT_FACE_CENTRE) - (PORTRAIT_LEFT, PORTRAIT_TOP)
    distance = (pixel_grid((PORTRAIT_SIZE, PORTRAIT_SIZE)) - centre) / 100.0
    light = 1.0 + np.clip(distance @ np.array(look.light), -0.5, 0.5)[..., np.newaxis]
    return to_range(toned * light * look.channel_gains)


def render(look: Look, still: Picture, rng: np.random.Generator) -> list[npt.NDArray[np.uint8]]:
    """Sets a painted portrait in motion and degrades the frames.

    Args:
        look: warp, motion, blur and noise.
        still: [PORTRAIT_SIZE, PORTRAIT_SIZE, 3].
        rng: draws the noise.

    Returns:
        The frames, uint8 [FRAME_SIZE, FRAME_SIZE, 3], RGB.
    """
    shape = (PORTRAIT_SIZE, PORTRAIT_SIZE)
    # Moving the map instead of the picture interpolates the picture only once.
    warp = pixel_grid(shape) + look.displacement
    frames = []
    for pose in look.poses:
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        moved = cv2.warpAffine(
            warp, pose, (FRAME_SIZE, FRAME_SIZE), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        frame = cv2.remap(still, moved[..., 0], moved[..., 1], cv2.INTER_CUBIC)
        if look.blur > 0.0:
            frame = cv2.GaussianBlur(frame, (0, 0), look.blur)
        noisy = frame + look.noise * rng.standard_normal(frame.shape, np.float32)
        frames.append(np.clip(np.round(noisy), 0, 255).astype(np.uint8))
    return frames


@dataclasses.dataclass(frozen=True)
class IdentityClips:
    """The two clips of an identity: the same person, motion and degradation.

    Attributes:
        real: frames, uint8 [FRAME_SIZE, FRAME_SIZE, 3], RGB.
        fake: as many frames of the same shape.
        compression: a key of `COMPRESSIONS`, for both.
    """

    real: list[npt.NDArray[np.uint8]]
    fake: list[npt.NDArray[np.uint8]]
    compression: str


def make_identity(seed: int, index: int, frames: int) -> IdentityClips:
    """Makes an identity's clips; equal arguments give equal frames.

    Every second real has the fake's style on the whole picture. Otherwise an odd colour alone,
    wherever it is, would tell the classes apart.

    Args:
        seed: of the whole dataset.
        index: of the identity, from 0.
        frames: of each clip.
    """
    rng = np.random.default_rng([seed, index])
    look = draw_look(rng, frames)
    picture, outline = portrait()
    painted = paint(look, picture)
    style = draw_style(rng, SAMPLE_BOUNDS)
    real = apply_style(painted, style) if rng.random() < 0.5 else painted
    fake = self_blend(rng, painted, outline, style)
    real_noise, fake_noise = rng.spawn(2)
    return IdentityClips(
        real=render(look, real, real_noise),
        fake=render(look, fake, fake_noise),
        compression=look.compression,
    )
