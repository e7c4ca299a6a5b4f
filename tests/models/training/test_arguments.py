import json

import pytest

from data.utils.errors import UsageError
from models.config import ModelConfig
from models.training.arguments import checkpoint_name, parse_config

CONFIG = ModelConfig(model="xception")
CUSTOM_CONFIG = {"model": CONFIG.model_dump_json(), "code_hash": "1", "checkpoints": "folder"}
FINGERPRINT = {"train": "a", "eval": "b"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param({"model": "xception", "stepz": 1}, r"^model\.stepz: Extra inputs", id="key"),
        pytest.param(
            {"model": "xception", "optimizer": {"clip_norm": -1}},
            r"^model\.optimizer\.clip_norm: ",
            id="value in a section",
        ),
        pytest.param({}, r"^model\.model: Field required", id="missing key"),
    ],
)
def test_a_wrong_config_is_named_by_its_path(content, message):
    with pytest.raises(UsageError, match=message):
        parse_config(json.dumps(content))


def test_a_config_is_read_back():
    assert parse_config(CONFIG.model_dump_json()) == CONFIG


def test_checkpoints_belong_to_everything_that_decides_the_training():
    names = [
        checkpoint_name(CONFIG, CUSTOM_CONFIG, FINGERPRINT),
        checkpoint_name(CONFIG.with_values({"seed": 1}), CUSTOM_CONFIG, FINGERPRINT),
        checkpoint_name(CONFIG, {**CUSTOM_CONFIG, "code_hash": "2"}, FINGERPRINT),
        checkpoint_name(CONFIG, CUSTOM_CONFIG, {**FINGERPRINT, "eval": "c"}),
    ]
    assert len(set(names)) == len(names)
    assert all(len(name) == 16 for name in names)
    # What TFX passes as the model does not count: a search may have chosen other values.
    other = checkpoint_name(CONFIG, {**CUSTOM_CONFIG, "model": "{}"}, FINGERPRINT)
    assert other == names[0]
