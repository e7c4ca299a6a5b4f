import pydantic
import pytest

from models.config import presets
from models.config.model import ModelConfig


@pytest.mark.parametrize("name", presets.PRESETS)
def test_every_preset_is_a_valid_config_that_reads_back_as_itself(name):
    model = presets.PRESETS[name].get("model", "xception")
    config = ModelConfig(preset=name, model=model, weights=None)
    assert ModelConfig.model_validate_json(config.model_dump_json()) == config


def test_keys_of_the_config_win_section_by_section():
    config = ModelConfig(
        preset="xception_last_20", learning_rate=0.5, fine_tuning={"head_steps": 7}
    )
    assert config.learning_rate == 0.5
    assert config.fine_tuning.head_steps == 7
    assert config.fine_tuning.trainable_layers == 20
    assert config.schedule.plateau_factor == 0.7


def test_an_unknown_preset_is_refused_with_those_there_are():
    with pytest.raises(pydantic.ValidationError, match="no preset 'best'; choose one of dfdc"):
        ModelConfig(preset="best", model="xception")
