"""ResNeXt-50 (32x4d) and ResNeXt-101 (32x8d), layer by layer as torchvision's.

Xie et al., "Aggregated Residual Transformations for Deep Neural Networks" (CVPR 2017),
https://arxiv.org/abs/1611.05431. As in torchvision (https://github.com/pytorch/vision,
torchvision/models/resnet.py), the grouped convolutions have the strides, borders are padded evenly,
and images are normalised by ImageNet's mean and deviation, so that its weights can be used here.
BatchNormalization has `models.backbones.batch_norm.MOMENTUM`.
"""

from collections.abc import Sequence

import keras

from models.backbones import batch_norm
from models.backbones import weights as backbone_weights
from models.backbones.grouped_convolution import GroupedConvolution

GROUPS = 32

_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
"""Of red, green and blue in ImageNet's images, 0 to 1, as in torchvision's transforms."""

_EPSILON = 1e-5  # PyTorch's


def resnext50_32x4d(image_size: int, weights: str | None) -> keras.Model:
    """ResNeXt-50 (32x4d) without its top; see `models.backbones.registry.build`."""
    return _build("resnext50_32x4d", image_size, weights, blocks=(3, 4, 6, 3), group_width=4)


def resnext101_32x8d(image_size: int, weights: str | None) -> keras.Model:
    """ResNeXt-101 (32x8d) without its top; see `models.backbones.registry.build`."""
    return _build("resnext101_32x8d", image_size, weights, blocks=(3, 4, 23, 3), group_width=8)


def _build(
    name: str, image_size: int, weights: str | None, *, blocks: Sequence[int], group_width: int
) -> keras.Model:
    """Builds a ResNeXt.

    Args:
        name: of the network.
        image_size: pixels a side.
        weights: path of a Keras weights file, or None.
        blocks: residual blocks of each stage.
        group_width: channels of each group in the first stage; doubled from stage to stage.
    """
    images = keras.Input((image_size, image_size, 3), name="images")
    x = keras.layers.Rescaling(
        [1 / (255 * deviation) for deviation in _DEVIATION],
        offset=[-mean / deviation for mean, deviation in zip(_MEAN, _DEVIATION, strict=True)],
        dtype="float32",
        name="normalise",
    )(images)
    x = keras.layers.ZeroPadding2D(3, name="stem_pad")(x)
    x = _convolution(x, 64, 7, strides=2, name="stem")
    x = keras.layers.ReLU(name="stem_relu")(x)
    x = keras.layers.ZeroPadding2D(1, name="stem_pool_pad")(x)  # 0 is a ReLU's smallest value
    x = keras.layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)
    for stage, count in enumerate(blocks):
        for block in range(count):
            x = _residual_block(
                x,
                width=GROUPS * group_width * 2**stage,
                filters=256 * 2**stage,
                strides=2 if stage > 0 and block == 0 else 1,
                name=f"stage{stage + 1}_block{block + 1}",
            )
    features = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    network = keras.Model(images, features, name=name)
    backbone_weights.load_file(network, weights, name)
    batch_norm.set_momentum(network)
    return network


def _residual_block(
    inputs: keras.KerasTensor, *, width: int, filters: int, strides: int, name: str
) -> keras.KerasTensor:
    """A bottleneck block with a grouped convolution of `width` channels and `filters` outputs."""
    shortcut = inputs
    if inputs.shape[-1] != filters:
        shortcut = _convolution(inputs, filters, 1, strides=strides, name=f"{name}_shortcut")
    x = _convolution(inputs, width, 1, name=f"{name}_narrow")
    x = keras.layers.ReLU(name=f"{name}_narrow_relu")(x)
    x = GroupedConvolution(
        width,
        3,
        groups=GROUPS,
        strides=strides,
        kernel_initializer=_initializer(3, width),
        name=f"{name}_grouped",
    )(x)
    x = keras.layers.BatchNormalization(epsilon=_EPSILON, name=f"{name}_grouped_norm")(x)
    x = keras.layers.ReLU(name=f"{name}_grouped_relu")(x)
    x = _convolution(x, filters, 1, name=f"{name}_widen")
    x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def _convolution(
    inputs: keras.KerasTensor, filters: int, kernel_size: int, *, strides: int = 1, name: str
) -> keras.KerasTensor:
    """A convolution without padding or bias, and its BatchNormalization."""
    x = keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        use_bias=False,
        kernel_initializer=_initializer(kernel_size, filters),
        name=name,
    )(inputs)
    return keras.layers.BatchNormalization(epsilon=_EPSILON, name=f"{name}_norm")(x)


def _initializer(kernel_size: int, filters: int) -> keras.initializers.Initializer:
    """Normal, scaled by a convolution's outputs and, as in PyTorch, not by its groups.

    He et al., "Delving Deep into Rectifiers" (ICCV 2015), https://arxiv.org/abs/1502.01852.
    """
    return keras.initializers.RandomNormal(stddev=(2 / (kernel_size**2 * filters)) ** 0.5)
