"""Strengths and probabilities of the operations of `models.inputs.augmentation`.

The defaults follow the code of published deepfake detectors:

- selimsef, winner of the DeepFake Detection Challenge
  (https://github.com/selimsef/dfdc_deepfake_challenge, training/);
- Shiohara and Yamasaki, "Detecting Deepfakes with Self-Blended Images", CVPR 2022
  (https://github.com/mapooon/SelfBlendedImages, src/utils/sbi.py);
- Yan et al., "DeepfakeBench", NeurIPS 2023 (https://github.com/SCLBD/DeepfakeBench,
  training/config/detector/xception.yaml).
"""

from typing import Any

from pydantic import Field

from data.utils.yaml_config import Section


def _probability(default: float, description: str) -> Any:
    return Field(default=default, ge=0, le=1, description=description)


def _strength(default: float, description: str, **bounds: Any) -> Any:
    return Field(default=default, ge=0, description=description, **bounds)


class AugmentationConfig(Section):
    """How training crops are augmented; the crops of a pair or a track are changed alike.

    A strength or a probability of 0 switches its operation off.

    Example:
        >>> AugmentationConfig(rotation=0, jpeg_probability=0.9).jpeg_probability
        0.9
    """

    # All three detectors mirror half of the images.
    flip: float = _probability(0.5, "share of pairs that are mirrored left to right")

    # The DFDC winner: shifts of 10 %, zooms of 20 % and 10 degrees, each on half of the images.
    warp_probability: float = _probability(
        0.5, "share of pairs that are rotated, shifted and zoomed, in one warp"
    )
    rotation: float = _strength(15.0, "largest angle, degrees", le=180)
    shift: float = _strength(0.1, "largest shift along each axis, as a share of it", le=0.5)
    zoom: float = _strength(0.2, "size is scaled by a factor within 1 +- this", le=0.9)

    # Brightness and contrast: DeepfakeBench 0.1, the DFDC winner 0.2, SBI 0.3. Colour shift: SBI,
    # 20 of 255. Saturation: the DFDC winner's library (albumentations) shifts it by 30 of 255,
    # and 15 % of a saturated colour is about that.
    colour_probability: float = _probability(
        0.5, "share of pairs whose brightness, contrast, saturation and colour change, together"
    )
    brightness: float = _strength(0.2, "largest change, as a share of the full range", lt=1)
    contrast: float = _strength(
        0.2, "distances from mid-grey are scaled by a factor within 1 +- this", lt=1
    )
    saturation: float = _strength(
        0.15, "distances from grey are scaled by a factor within 1 +- this", le=1
    )
    colour_shift: float = _strength(
        0.08,
        "largest change of red, green and blue, each its own, as a share of the full range",
        lt=1,
    )

    # DeepfakeBench: kernels of 3 to 7 pixels, of which 7 is a deviation of 1.4, on half of the
    # images; the DFDC winner: kernels of 3 pixels, on 5 %.
    blur_probability: float = _probability(0.2, "share of pairs that are blurred")
    blur: float = _strength(
        1.4, "largest standard deviation of the Gaussian, pixels of the model's input", le=5
    )

    # The DFDC winner: variances of up to 50 (deviation 7 of 255), on 10 %.
    noise_probability: float = _probability(0.1, "share of pairs that get Gaussian noise")
    noise: float = _strength(
        0.03, "largest standard deviation of the noise, as a share of the full range", lt=1
    )

    # SBI shrinks by 2 or 4, but by 4 a face of 96 pixels loses all detail.
    scaling_probability: float = _probability(
        0.2, "share of pairs that are shrunk and enlarged again"
    )
    scaling: float = _strength(0.5, "largest share of the side that shrinking takes off", le=0.9)

    # SBI and DeepfakeBench: 40 to 100; SBI and the DFDC winner on half of the images.
    jpeg_probability: float = _probability(0.5, "share of pairs that are recompressed as JPEG")
    jpeg_min_quality: int = Field(
        default=40, ge=5, le=100, description="the quality is from this to 100; 100 switches it off"
    )

    # The DFDC winner: capsules of a radius of a quarter to a third of the eyes' distance (8 to
    # 10 % of our crops' side), on 61 %; half as often here, where training is far shorter.
    cutout_probability: float = _probability(
        0.3, "share of pairs whose eyes, nose or mouth are blackened"
    )
    cutout: float = _strength(
        0.1,
        "largest radius of the black patch, as a share of the side; at least half of this",
        le=0.5,
    )
