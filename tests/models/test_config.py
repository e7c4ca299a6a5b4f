import pydantic
import pytest

from models.config import ModelConfig


def test_json_round_trip():
    config = ModelConfig(
        model="xception", image_size=96, weights=None, augmentation={"shift": 0.3}, seed=7
    )
    assert ModelConfig.model_validate_json(config.model_dump_json()) == config
    assert config.augmentation.shift == 0.3


def test_defaults_are_for_real_use():
    config = ModelConfig(model="efficientnet_v2_b0")
    assert (config.weights, config.precision, config.track_length) == ("imagenet", "auto", 32)


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        pytest.param({"model": "vgg"}, ("model",), "choose one of efficientnet_v2_b0", id="name"),
        pytest.param({"stepz": 3}, ("stepz",), "Extra inputs", id="unknown key"),
        pytest.param({"augmentation": {"tilt": 1}}, ("augmentation", "tilt"), "Extra", id="nested"),
        pytest.param({"steps": 0}, ("steps",), "greater than or equal to 1", id="steps"),
        pytest.param({"learning_rate": 0}, ("learning_rate",), "greater than 0", id="rate"),
        pytest.param({"precision": "float64"}, ("precision",), "mixed_bfloat16", id="precision"),
        pytest.param({"weights": "noisy"}, ("weights",), "null to train", id="weights"),
        pytest.param(
            {"model": "xception", "image_size": 64}, (), "xception needs 71", id="too small"
        ),
        pytest.param(
            {"augmentation": {"jpeg_min_quality": 101}},
            ("augmentation", "jpeg_min_quality"),
            "less than or equal to 100",
            id="quality",
        ),
        pytest.param(
            {"fakes": "self_blended", "sampling": "natural"},
            (),
            "makes pairs of its own",
            id="self-blended fakes, sampled otherwise",
        ),
        pytest.param(
            {"steps": 10, "optimizer": {"accumulate": 4}},
            (),
            "must be multiples of optimizer.accumulate 4",
            id="leftover batches",
        ),
        pytest.param(
            {"optimizer": {"accumulate": 4}, "strategy": "mirrored"},
            (),
            "does not work with strategy mirrored",
            id="accumulation over devices",
        ),
        pytest.param(
            {"steps": 5, "fine_tuning": {"head_steps": 5}},
            (),
            "fine_tuning.head_steps 5 must be below steps 5",
            id="nothing after the head",
        ),
    ],
)
def test_refusals(changes, place, message):
    with pytest.raises(pydantic.ValidationError) as error:
        ModelConfig(**{"model": "efficientnet_v2_b0", **changes})
    (first,) = error.value.errors()
    assert first["loc"] == place
    assert message in first["msg"]


def test_every_field_is_described():
    def describe(model):
        for name, field in model.model_fields.items():
            assert field.description or field.annotation.model_fields, name

    describe(ModelConfig)
    describe(ModelConfig.model_fields["augmentation"].annotation)
