"""EfficientNetV2-B0 from keras-cv.

Tan and Le, "EfficientNetV2: Smaller Models and Faster Training" (ICML 2021),
https://arxiv.org/abs/2104.00298.
"""

import keras
import keras_cv

from models.backbones import weights as backbone_weights

PRESET = "efficientnetv2_b0_imagenet"
"""keras-cv's name of the ImageNet weights."""


def efficientnet_v2_b0(image_size: int, weights: str | None) -> keras.Model:
    """EfficientNetV2-B0 without its top; see `models.backbones.registry.build`.

    The network is built from the preset's numbers, because keras-cv's own
    `EfficientNetV2B0Backbone()` calls a model hub even if no weights are wanted. Its
    BatchNormalization has a momentum of 0.9 already, see `models.backbones.batch_norm`.
    """
    network = keras_cv.models.EfficientNetV2Backbone(
        include_rescaling=True,
        width_coefficient=1.0,
        depth_coefficient=1.0,
        stackwise_kernel_sizes=[3, 3, 3, 3, 3, 3],
        stackwise_num_repeats=[1, 2, 2, 3, 5, 8],
        stackwise_input_filters=[32, 16, 32, 48, 96, 112],
        stackwise_output_filters=[16, 32, 48, 96, 112, 192],
        stackwise_expansion_ratios=[1, 4, 4, 4, 6, 6],
        stackwise_squeeze_and_excite_ratios=[0.0, 0.0, 0.0, 0.25, 0.25, 0.25],
        stackwise_strides=[1, 2, 2, 2, 1, 2],
        stackwise_conv_types=["fused", "fused", "fused", "unfused", "unfused", "unfused"],
        input_shape=(image_size, image_size, 3),
    )
    backbone_weights.load(
        network,
        weights,
        "efficientnet_v2_b0",
        lambda: keras_cv.models.EfficientNetV2Backbone.from_preset(PRESET, load_weights=True),
    )
    features = keras.layers.GlobalAveragePooling2D(name="pool")(network.output)
    return keras.Model(network.input, features, name="efficientnet_v2_b0")
