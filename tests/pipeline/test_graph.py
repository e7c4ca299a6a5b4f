import json

import pytest

import configs
from pipeline import config, graph


@pytest.fixture
def trainer_settings(tmp_path):
    """What the graph hands to the Trainer of its first model, whose config is changed."""
    loaded = config.load(configs.FOLDER / "demo.yaml")

    def trainer_settings(**changes):
        models = [loaded.models[0].model_copy(update=changes)]
        inputs = graph.Inputs(
            examples=str(tmp_path / "examples"),
            schema=str(tmp_path / "schema.pbtxt"),
            slice_columns=(),
            fingerprint="tiny",
            notes=("40 fakes name no source",),
            root=str(tmp_path / "artifacts"),
            checkpoints=str(tmp_path / "checkpoints"),
            served_before={models[0].name: ""},
        )
        made = graph.create(loaded.model_copy(update={"models": models}), inputs, None)
        (trainer,) = (node for node in made.components if node.id.startswith("Trainer."))
        return json.loads(trainer.exec_properties["custom_config"])

    return trainer_settings


def test_a_model_says_what_its_data_does_not_tell(trainer_settings):
    assert trainer_settings()["metadata"]["data_notes"] == ["40 fakes name no source"]


@pytest.mark.parametrize(
    ("key", "path", "setting"),
    [
        ("weights", "own.weights.h5", "weights_sha256"),
        ("warm_start", "version/saved_model.pb", "warm_start_sha256"),
    ],
)
def test_what_training_starts_from_is_part_of_the_cache_key(
    trainer_settings, tmp_path, key, path, setting
):
    file = tmp_path / path
    file.parent.mkdir(exist_ok=True)
    start = str(tmp_path / path.partition("/")[0])
    values = []
    for content in (b"first", b"other", b"first"):
        file.write_bytes(content)
        values.append(trainer_settings(**{key: start})[setting])
    assert values[0] == values[2] != values[1]
    assert trainer_settings()[setting] == ""
