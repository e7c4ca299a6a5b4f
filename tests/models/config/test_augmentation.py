import pydantic
import pytest

from models.config.augmentation import AugmentationConfig


def test_json_round_trip():
    config = AugmentationConfig(rotation=3, jpeg_min_quality=55)
    assert AugmentationConfig.model_validate_json(config.model_dump_json()) == config


def test_every_field_is_bounded_and_described():
    for name, field in AugmentationConfig.model_fields.items():
        assert field.description, name
        for value in (-0.1, 181):
            with pytest.raises(pydantic.ValidationError):
                AugmentationConfig(**{name: value})
