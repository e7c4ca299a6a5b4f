"""Fixtures that several rooms' tests share."""

import os
import pathlib
import sys
import types

# Without this tensorflow-transform switches Keras 3 off when it is imported.
os.environ["TF_USE_LEGACY_KERAS"] = "0"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import pytest

SHARED = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> pathlib.Path:
    """Real clips, boxes and weights that may not be kept in the repository."""
    if not SHARED.is_dir():
        pytest.skip("the shared test media (../shared/data) are not on this machine")
    return SHARED


@pytest.fixture(scope="session")
def tiny_backbone():
    """Registers a network of two convolutions under the name `tiny`."""
    import keras

    from models.backbones import registry

    def build(image_size, weights):
        faces = keras.Input((image_size, image_size, 3))
        x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(faces)
        x = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(x)
        return keras.Model(faces, keras.layers.GlobalAveragePooling2D()(x))

    module = types.ModuleType("tiny_backbone")
    module.tiny = build
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "tiny_backbone", module)
        tiny = registry.Backbone(
            "tiny_backbone",
            image_size=32,
            minimum_image_size=16,
            parameters=840,
            pretrained=None,
            paper="none",
        )
        patch.setitem(registry.BACKBONES, "tiny", tiny)
        yield "tiny"
