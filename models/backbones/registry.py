"""The table of backbones by name; importing it loads no framework."""

import dataclasses
import importlib
from typing import TYPE_CHECKING

from data.utils.errors import UsageError

if TYPE_CHECKING:
    import keras

IMAGENET = "imagenet"
"""Value of `weights` for a network's pretrained ImageNet weights."""


@dataclasses.dataclass(frozen=True)
class Backbone:
    """What is known of a backbone without building it.

    Attributes:
        module: dotted name of the module whose function of the backbone's own name takes
            `(image_size, weights)` and returns the network from float images
            [n, size, size, 3], 0 to 255, to features [n, d].
        image_size: pixels a side that its authors use.
        minimum_image_size: smallest pixels a side that it takes.
        parameters: of the network without its top at `image_size`, with the moving statistics of
            BatchNormalization.
        pretrained: the weights that `imagenet` stands for, or None if there are none.
        paper: citation with address.
    """

    module: str
    image_size: int
    minimum_image_size: int
    parameters: int
    pretrained: str | None
    paper: str


_RESNET = (
    'He et al., "Deep Residual Learning for Image Recognition" (CVPR 2016), '
    "https://arxiv.org/abs/1512.03385"
)
_RESNEXT = (
    'Xie et al., "Aggregated Residual Transformations for Deep Neural Networks" (CVPR 2017), '
    "https://arxiv.org/abs/1611.05431"
)
_MESONET = (
    'Afchar et al., "MesoNet: a Compact Facial Video Forgery Detection Network" (WIFS 2018), '
    "https://arxiv.org/abs/1809.00888"
)

BACKBONES: dict[str, Backbone] = {
    "efficientnet_v2_b0": Backbone(
        "models.backbones.efficientnet_v2",
        image_size=224,
        minimum_image_size=32,
        parameters=5_919_312,
        pretrained="imagenet (keras-cv)",
        paper='Tan and Le, "EfficientNetV2: Smaller Models and Faster Training" (ICML 2021), '
        "https://arxiv.org/abs/2104.00298",
    ),
    "xception": Backbone(
        "models.backbones.xception",
        image_size=299,
        minimum_image_size=71,
        parameters=20_861_480,
        pretrained="imagenet (keras.applications)",
        paper='Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions" '
        "(CVPR 2017), https://arxiv.org/abs/1610.02357",
    ),
    "resnet50": Backbone(
        "models.backbones.resnet",
        image_size=224,
        minimum_image_size=32,
        parameters=23_587_712,
        pretrained="imagenet (keras.applications)",
        paper=_RESNET,
    ),
    "resnet152": Backbone(
        "models.backbones.resnet",
        image_size=224,
        minimum_image_size=32,
        parameters=58_370_944,
        pretrained="imagenet (keras.applications)",
        paper=_RESNET,
    ),
    "resnext50_32x4d": Backbone(
        "models.backbones.resnext",
        image_size=224,
        minimum_image_size=32,
        parameters=23_048_128,
        pretrained=None,
        paper=_RESNEXT,
    ),
    "resnext101_32x8d": Backbone(
        "models.backbones.resnext",
        image_size=224,
        minimum_image_size=32,
        parameters=86_945_216,
        pretrained=None,
        paper=_RESNEXT,
    ),
    "meso4": Backbone(
        "models.backbones.mesonet",
        image_size=256,
        minimum_image_size=32,
        parameters=28_056,
        pretrained=None,
        paper=_MESONET,
    ),
    "mesoinception4": Backbone(
        "models.backbones.mesonet",
        image_size=256,
        minimum_image_size=32,
        parameters=28_708,
        pretrained=None,
        paper=_MESONET,
    ),
}


def names() -> list[str]:
    """Names of all backbones, sorted.

    Example:
        >>> names()[:3]
        ['efficientnet_v2_b0', 'meso4', 'mesoinception4']
    """
    return sorted(BACKBONES)


def find(name: str) -> Backbone:
    """Looks a backbone up by its name; raises UsageError if there is none of this name.

    Example:
        >>> find("xception").image_size
        299
    """
    if name not in BACKBONES:
        raise UsageError(f"there is no model {name!r}; choose one of {', '.join(names())}")
    return BACKBONES[name]


def build(name: str, image_size: int, weights: str | None) -> "keras.Model":
    """Builds a backbone under Keras' current dtype policy.

    Args:
        name: one of `names()`.
        image_size: pixels a side.
        weights: `imagenet`, the path of a Keras weights file (.h5) of the network without its
            top, or None for random weights.

    Returns:
        From float images [n, image_size, image_size, 3], RGB, 0 to 255, to features [n, d].

    Raises:
        UsageError: the name is unknown, the network has no ImageNet weights, or the weights
            cannot be loaded.
    """
    backbone = find(name)
    if weights == IMAGENET and backbone.pretrained is None:
        raise UsageError(
            f"{name}: there are no ImageNet weights for this network. Set `weights` to the path "
            "of a .h5 file with weights of it, or to null to train from scratch."
        )
    module = importlib.import_module(backbone.module)
    network: keras.Model = getattr(module, name)(image_size, weights)
    return network
